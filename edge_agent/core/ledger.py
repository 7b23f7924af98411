"""The requests that this device holds: from their arrival to their acknowledgement.

Owns every unacknowledged request. A request is let go of (acknowledged to the broker) when its
reply is confirmed, by us or by the device that combined it, and never before. What a request
waits for is always bounded by a deadline after which this device answers from what it has: an
answer may come twice, never not at all.
"""

from itertools import count

from edge_agent.core.answers import Contribution, build_error, build_results
from edge_agent.core.effects import Ack, Compute, Effect, Note, SendDone, SendPartials, SendReply
from edge_agent.core.events import Computed, ComputeFailed, RequestArrived, Route
from edge_agent.core.held import Deadlines, Held
from edge_agent.core.memory import Memory
from edge_agent.core.patience import Patience
from edge_agent.core.settings import Settings
from edge_agent.core.team import Team
from fluid.messages import Done, Mode, Partial, Reply


class Ledger:
    """All held requests of one agent."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._timing = settings.timing
        self._stage_names = tuple(stage.name for stage in settings.manifest.stages)
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

    def knows(self, key: bytes) -> bool:
        """Whether a request that went to everyone reached us, and is held or was answered."""
        held = self._held.get(key)
        return (held is not None and held.heard_by_all) or self._memory.was_answered_together(key)

    # What happens to requests.

    def arrived(self, event: RequestArrived, now: float) -> list[Effect]:
        """Hold a request; start to work on it if it is new."""
        request, together = event.request, event.route is Route.EVERYONE
        if together and self._memory.take_early_done(request.key, now):
            return [Ack(event.ack_id)]
        held = self._held.get(request.key)
        if held is not None:
            held.deliveries.setdefault(event.route, []).append(event.ack_id)
            return []
        held = Held(request, now, together, self._team.members, {event.route: [event.ack_id]})
        held.fault = request.fault
        self._held[request.key] = held
        if together:
            for partial in self._memory.take_early_partials(request.key):
                self._contribute(held, partial)
        return self._progress(held, now)

    def computed(self, event: Computed, now: float) -> list[Effect]:
        """The executor has run our share of a request."""
        self.compute_ms_total += event.compute_ms
        held = self._held.get(event.key)
        if held is None:
            return []
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
        held.fault = event.fault
        return self._share_ready(held, now)

    def partial(self, partial: Partial, now: float) -> list[Effect]:
        """Another device handed us a share."""
        if not partial.is_of_bundle(self._settings.digest):
            return []
        self._patience.heard(partial.sender)
        held = self._held.get(partial.key)
        if held is None or not held.together:
            self._memory.keep_early_partial(partial, now)
            return []
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
            elif held.token is None:
                self._patience.heard(held.combiner or self._settings.agent)
                effects += self._let_go(held, now)
        return effects

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
        if held.heard_by_all:
            effects.append(SendDone(Done((held.request.key,))))
        return effects + self._let_go(held, now)

    # What happens around them.

    def joined(self) -> None:
        """From now on, requests to every device reach us too."""
        self._memory.forget_early_done()

    def link_lost(self) -> None:
        """The connection that the requests came by is gone; the broker will send them again."""
        self._held.clear()
        self._by_token.clear()
        self._deadlines.clear()

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
        if answered := self._memory.stale_partials(now, self._timing.stale_partial_s):
            effects.append(SendDone(Done(answered, settled=True)))
        self._memory.expire(now)
        return effects

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
                self._settings.digest,
                self._stage_names.index(stage),
                contribution.logits,
                contribution.compute_ms,
            )
            for stage, contribution in held.contributions.items()
        )
        return [SendPartials(combiner, partials)] if partials else []

    def _overdue(self, held: Held, now: float) -> list[Effect]:
        held.deadline = None
        self._patience.missed(self._awaited(held))
        if held.answerable:
            return self._answer(held, now)
        # None of the shares was ours: answer as in high-throughput mode.
        held.together = False
        return self._progress(held, now)

    def _contribute(self, held: Held, partial: Partial) -> bool:
        """Add another device's share; False if it is known or cannot belong to this request."""
        if partial.stage >= len(self._stage_names):
            return False
        stage = self._stage_names[partial.stage]
        known = next(iter(held.contributions.values()), None)
        shape = (len(partial.logits), len(self._settings.manifest.classes))
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
            manifest=self._settings.manifest,
            digest=self._settings.digest,
            mode=Mode.HA if held.heard_by_all else Mode.HT,
            queue_ms=max(0.0, (now - held.arrived_at) * 1000 - slowest_ms),
            degraded=held.heard_by_all and bool(held.missing(self._team.due(held.hearers))),
        )

    def _let_go(self, held: Held, now: float) -> list[Effect]:
        """Acknowledge one delivery of each route; the rest wants the same answer again."""
        key = held.request.key
        if held.heard_by_all:
            self._memory.answered_together(key, now)
        effects: list[Effect] = []
        for route in list(held.deliveries):
            effects.append(Ack(held.deliveries[route].pop(0)))
            if not held.deliveries[route]:
                del held.deliveries[route]
        held.deadline = held.combiner = None
        if not held.deliveries:
            del self._held[key]
            return effects
        held.together = held.heard_by_all
        return effects + self._progress(held, now)
