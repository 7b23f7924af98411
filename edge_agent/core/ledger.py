"""The requests that this device holds: from their arrival to their acknowledgement.

Owns every unacknowledged request. A request is let go of (acknowledged to the broker) when its
reply is confirmed, by us or by the device that combined it, and never before. What a request
waits for is always bounded by a deadline after which this device answers from what it has: an
answer may come twice, never not at all.
"""

from itertools import count

from edge_agent.core.answers import Contribution, build_error, build_results
from edge_agent.core.edition import Edition
from edge_agent.core.effects import (
    Ack,
    Compute,
    Effect,
    Note,
    SendDone,
    SendPartials,
    SendReply,
    SendUnheard,
)
from edge_agent.core.events import Computed, ComputeFailed, Request, RequestArrived, Route
from edge_agent.core.held import Deadlines, Held
from edge_agent.core.memory import Memory
from edge_agent.core.patience import Patience
from edge_agent.core.settings import Settings
from edge_agent.core.team import Team
from fluid.messages import Done, Mode, Partial, Reply, Unheard


class Ledger:
    """All held requests of one agent."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._timing = settings.timing
        self._edition = settings.edition
        self._stage_names = self._edition.stage_names()
        self._team = Team(settings.agent, settings.manifest, (settings.agent,))
        self._held: dict[bytes, Held] = {}
        self._deadlines = Deadlines()
        self._tokens = count(1)
        self._by_token: dict[int, bytes] = {}
        self._memory = Memory(settings.timing.memory_s)
        self._patience = Patience(settings.timing)
        self.compute_ms_total = 0.0

    def __len__(self) -> int:
        return len(self._held)

    def knows(self, request: Request) -> bool:
        """Whether this very request, which went to everyone, reached us too, and is held or was
        answered. Of equal requests nobody can tell."""
        if not request.unique:
            return False
        held = self._held.get(request.key)
        return (held is not None and held.heard_by_all) or self._memory.was_answered_together(
            request.key
        )

    # What happens to requests.

    def arrived(self, event: RequestArrived, now: float) -> list[Effect]:
        """Hold a request; start to work on it if it is new."""
        request, together = event.request, event.route is Route.EVERYONE
        # What we combine, we answer ourselves: a notice was of another device's copy.
        if (
            together
            and not self._combines(request.key)
            and self._memory.take_early_done(request.key, now)
        ):
            return [Ack(event.ack_id)]
        held = self._held.get(request.key)
        if held is not None:
            held.deliveries.setdefault(event.route, []).append(event.ack_id)
            return []
        held = Held(request, now, together, self._team.members, {event.route: [event.ack_id]})
        held.fault = request.fault
        self._held[request.key] = held
        if together:
            self._take_early_partials(held, now)
        return self._progress(held, now)

    def computed(self, event: Computed, now: float) -> list[Effect]:
        """The executor has run our share of a request."""
        self.compute_ms_total += event.compute_ms
        held = self._held.get(event.key)
        if held is None:
            return []
        if event.digest != self._edition.digest:
            return self._computed_too_late(held, now)
        held.is_batch = event.is_batch
        for stage, logits in event.outputs.items():
            # Shares that came before ours were taken on trust: ours shows how many images it is.
            held.drop_misfits(logits.shape)
            held.contributions[stage] = Contribution(logits, self._settings.agent, event.compute_ms)
        return self._share_ready(held, now)

    def compute_failed(self, event: ComputeFailed, now: float) -> list[Effect]:
        """The executor found the payload unusable."""
        held = self._held.get(event.key)
        if held is None:
            return []
        if event.digest != self._edition.digest:
            return self._computed_too_late(held, now)
        held.fault = event.fault
        return self._share_ready(held, now)

    def partial(self, partial: Partial, now: float) -> list[Effect]:
        """Another device handed us a share."""
        held = self._held.get(partial.key)
        of_ours = partial.is_of_bundle(self._edition.digest)
        # What is of another bundle is of use if that is the one that we serve next. And whoever
        # sent it has to be told if the request never reached us.
        if held is None or not held.together or not of_ours:
            self._memory.keep_early_partial(partial, now)
            return []
        self._patience.heard(partial.sender)
        if not self._contribute(held, partial):
            return []
        if held.combiner in (None, self._settings.agent, partial.sender):
            return self._progress(held, now)
        # Its sender believes that we combine; the device that we handed our own share to does.
        return [SendPartials(held.combiner, (partial,))]

    def done(self, notice: Done, now: float) -> list[Effect]:
        """Another device has answered these, one delivery of each."""
        effects: list[Effect] = []
        for key in notice.keys:
            held = self._held.get(key)
            if held is None or not held.heard_by_all:
                # Two devices may have answered the same delivery: the second notice must not be
                # taken for the answer to the next equal request.
                if not notice.settled and not self._memory.was_answered_together(key):
                    self._memory.keep_early_done(key, now)
                continue
            combiner = held.combiner or self._team.combiner(key, held.hearers)
            # Whoever combines a request answers it, whatever others say: with equal requests it
            # could not be told which of them they mean.
            if held.token is None and combiner != self._settings.agent:
                self._patience.heard(combiner)
                effects += self._let_go(held, Route.EVERYONE, now)
        return effects

    def unheard(self, notice: Unheard, now: float) -> list[Effect]:
        """A device that we handed shares to never got the requests: go on without it."""
        effects: list[Effect] = []
        for key in notice.keys:
            held = self._held.get(key)
            if held is not None and held.combiner == notice.sender:
                effects += self._go_on_without(held, notice.sender, now, has_it=False)
        return effects

    def load(self, agent: str, queue: int) -> None:
        """How many requests another device holds."""
        self._patience.load(agent, queue)

    def confirmed(self, token: int, now: float, *, accepted: bool) -> list[Effect]:
        """The broker has one of our replies."""
        key = self._by_token.pop(token, None)
        held = self._held.get(key) if key is not None else None
        if held is None or held.token != token:
            return []
        held.token = None
        effects: list[Effect] = []
        if not accepted:
            # The broker will refuse it for ever: holding the request helps nobody.
            fields: dict[str, str | int | float] = {"id": held.request.id}
            effects.append(Note("reply_refused", fields, problem=True))
        if not held.heard_by_all:
            return effects + self._let_go(held, Route.SHARED, now)
        effects.append(SendDone(Done((held.request.key,))))
        return effects + self._let_go(held, Route.EVERYONE, now)

    # What happens around them.

    def joined(self) -> None:
        """From now on, requests to every device reach us too."""
        self._memory.forget_early_done()

    def link_lost(self) -> None:
        """The connection that the requests came by is gone; the broker will send them again."""
        self._held.clear()
        self._by_token.clear()
        self._deadlines.clear()

    def serve(self, edition: Edition, team: Team, now: float) -> list[Effect]:
        """Answer with another bundle from now on; what is not answered yet starts afresh.

        team: the members, as those see them who serve that bundle.
        """
        self._edition, self._team = edition, team
        self._stage_names = edition.stage_names()
        for held in self._held.values():
            held.start_afresh()
            if held.together:
                self._take_early_partials(held, now)
        return self._progress_all(now)

    def team_changed(self, team: Team, now: float) -> list[Effect]:
        """Members came or went: hand our shares to whoever combines now."""
        if team == self._team:
            return []
        self._team = team
        for held in self._held.values():
            if held.combiner is not None and held.combiner not in team.members:
                held.combiner = None
        return self._progress_all(now)

    def hand_over_again(self, now: float) -> list[Effect]:
        """The control link is back: what we said on the old one may not have arrived."""
        for held in self._held.values():
            held.combiner = None
        return self._progress_all(now)

    def expire(self, now: float) -> list[Effect]:
        """Answer whatever has waited for others long enough."""
        effects: list[Effect] = []
        for deadline, key in self._deadlines.due(now):
            held = self._held.get(key)
            if held is not None and held.deadline == deadline and held.idle:
                effects += self._overdue(held, now)
        effects += self._look_into_stale_partials(now)
        self._memory.expire(now)
        return effects

    def _look_into_stale_partials(self, now: float) -> list[Effect]:
        """Tell those who handed us a share why we do not answer."""
        effects: list[Effect] = []
        after_s = self._timing.stale_partial_s
        if settled := self._memory.take_settled(now, after_s=after_s):
            effects.append(SendDone(Done(settled, settled=True)))
        # With nothing left to do, we have heard all there is. Else a sender whose share we wait
        # for has not come to what we hold: every session has the requests in one order, so what
        # it hands us is from before our time, or what we hold is from before its own.
        senders = self._awaited_since(now - after_s) if self._held else None
        unheard = {
            key: sender
            for key, sender in self._memory.take_unheard(
                now, after_s=after_s, senders=senders
            ).items()
            if not (key in self._held and self._held[key].together)  # else of another bundle
        }
        for sender in set(unheard.values()):
            self._patience.missed((sender,))
        if unheard:
            effects.append(SendUnheard(Unheard(self._settings.agent, tuple(unheard))))
        return effects

    def _awaited_since(self, moment: float) -> set[str]:
        """Whose shares we wait for, for requests that have been here since then."""
        return {
            agent
            for held in self._held.values()
            if held.combiner == self._settings.agent and held.arrived_at <= moment
            for agent in self._awaited(held)
        }

    def next_deadline(self) -> float | None:
        return self._deadlines.next()

    # How one request moves on.

    def _progress_all(self, now: float) -> list[Effect]:
        effects: list[Effect] = []
        for held in list(self._held.values()):
            effects += self._progress(held, now)
        return effects

    def _share_ready(self, held: Held, now: float) -> list[Effect]:
        held.computing = False
        held.computed_at = now
        # Whoever has a share of ours does not have this one.
        held.combiner = None
        return self._progress(held, now)

    def _computed_too_late(self, held: Held, now: float) -> list[Effect]:
        """The executor got the job before another bundle was in force."""
        held.computing = False
        return self._progress(held, now)

    def _progress(self, held: Held, now: float) -> list[Effect]:
        """Move a request on as far as it goes now."""
        if not held.idle:
            return []
        key, team = held.request.key, self._team
        share = team.my_share(key, held.hearers) if held.together else team.my_stages()
        combiner = held.combiner or team.combiner(key, held.hearers)
        answers = not held.together or combiner == self._settings.agent
        missing = held.missing(share)
        # Whoever answers has to have read the payload, also where no share of it is its own.
        if missing or (answers and held.fault is None and not held.was_read):
            held.computing = True
            return [Compute(held.request, missing)]
        if not held.together:
            return self._answer_alone(held, now)
        if not answers:
            return self._hand_over(held, combiner, now)
        if held.answerable and not held.missing(team.due(held.hearers)):
            return self._answer(held, now)
        if held.combiner is None:
            held.combiner = combiner
            wait_s = self._patience.for_share_s(self._awaited(held), own_s=held.own_s())
            self._deadlines.set(held, now + wait_s)
        return []

    def _awaited(self, held: Held) -> tuple[str, ...]:
        """The devices whose part in a request has not come."""
        if held.combiner != self._settings.agent:
            return () if held.combiner is None else (held.combiner,)
        missing = held.missing(self._team.due(held.hearers))
        return self._team.owners(missing, held.request.key, held.hearers)

    def _answer_alone(self, held: Held, now: float) -> list[Effect]:
        if held.answerable:
            return self._answer(held, now)
        # We hold no slot at the moment: until we are placed again, nobody can do better here.
        self._deadlines.set(held, now + self._timing.handover_s)
        return []

    def _hand_over(self, held: Held, combiner: str, now: float) -> list[Effect]:
        if held.combiner == combiner:
            return []
        held.combiner = combiner
        wait_s = self._patience.for_answer_s(combiner, own_s=held.own_s())
        self._deadlines.set(held, now + wait_s)
        # Every share that we know goes along: its sender may be the device that just died.
        partials = tuple(
            Partial(
                held.request.key,
                contribution.device,
                self._edition.digest,
                self._stage_names.index(stage),
                contribution.logits,
                contribution.compute_ms,
            )
            for stage, contribution in held.contributions.items()
        )
        return [SendPartials(combiner, partials)] if partials else []

    def _combines(self, key: bytes) -> bool:
        return self._team.combiner(key, self._team.members) == self._settings.agent

    def _go_on_without(self, held: Held, agent: str, now: float, *, has_it: bool) -> list[Effect]:
        self._patience.missed((agent,))
        held.give_up(agent, has_it=has_it)
        held.combiner = None
        return self._progress(held, now)

    def _overdue(self, held: Held, now: float) -> list[Effect]:
        held.deadline = None
        combiner = held.combiner
        if combiner not in (None, self._settings.agent) and held.together:
            if self._patience.out_of_step(combiner):
                return self._go_on_without(held, combiner, now, has_it=True)
            # It is there and will answer, unless it never heard the request: it tells whoever
            # hands it a share, so we hand ours over again, or for the first time.
            held.combiner = None
            stages = self._team.my_stages()
            if stages and not held.answerable:
                held.computing = True
                return [Compute(held.request, stages)]
            return self._progress(held, now)
        awaited = self._awaited(held)
        waited_s = now - (held.computed_at or held.arrived_at)
        if self._patience.at_work(awaited) and waited_s < self._timing.longest_wait_s:
            self._deadlines.set(held, now + self._timing.straggler_s)
            return []
        self._patience.missed(awaited)
        if held.answerable:
            return self._answer(held, now)
        # None of the shares was ours: answer as in high-throughput mode.
        held.together = False
        return self._progress(held, now)

    def _take_early_partials(self, held: Held, now: float) -> None:
        """Add the shares that came before their request, or before the bundle they are of."""
        for partial in self._memory.take_early_partials(held.request.key):
            if partial.is_of_bundle(self._edition.digest):
                self._contribute(held, partial)
            else:
                self._memory.keep_early_partial(partial, now)

    def _contribute(self, held: Held, partial: Partial) -> bool:
        """Add a share of our bundle; False if it is known or cannot belong to this request."""
        if partial.stage >= len(self._stage_names):
            return False
        stage = self._stage_names[partial.stage]
        known = next(iter(held.contributions.values()), None)
        shape = (len(partial.logits), len(self._edition.manifest.classes))
        fits = partial.logits.shape == shape and (
            known is None or known.logits.shape == partial.logits.shape
        )
        if not fits or stage in held.contributions:
            return False
        held.contributions[stage] = Contribution(partial.logits, partial.sender, partial.compute_ms)
        return True

    def _answer(self, held: Held, now: float) -> list[Effect]:
        if held.fault is not None:
            replies, as_list = build_error(held.request, held.fault), False
        else:
            replies, as_list = self._results(held, now), held.is_batch
        held.deadline = None
        held.token = next(self._tokens)
        self._by_token[held.token] = held.request.key
        return [SendReply(held.request, replies, as_list, held.token)]

    def _results(self, held: Held, now: float) -> tuple[Reply, ...]:
        slowest_ms = max(part.compute_ms for part in held.contributions.values())
        return build_results(
            held.request,
            held.contributions,
            manifest=self._edition.manifest,
            digest=self._edition.digest,
            mode=Mode.HA if held.heard_by_all else Mode.HT,
            queue_ms=max(0.0, (now - held.arrived_at) * 1000 - slowest_ms),
            degraded=held.heard_by_all and bool(held.missing(self._team.due(held.expected))),
        )

    def _let_go(self, held: Held, route: Route, now: float) -> list[Effect]:
        """Acknowledge one delivery that came by a route; the rest wants the same answer again.

        Of a unique request there is no rest: its other deliveries are copies.
        """
        key = held.request.key
        if route is Route.EVERYONE:
            self._memory.answered_together(key, now)
        effects: list[Effect] = []
        for other in list(held.deliveries) if held.request.unique else [route]:
            effects.append(Ack(held.deliveries[other].pop(0)))
            if not held.deliveries[other]:
                del held.deliveries[other]
        held.deadline = held.combiner = None
        if not held.deliveries:
            del self._held[key]
            return effects
        held.together = held.heard_by_all
        return effects + self._progress(held, now)
