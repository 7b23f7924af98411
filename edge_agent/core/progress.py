"""How one request moves on: computed, handed over or combined, and answered.

What a request waits for is always bounded by a deadline after which this device answers from
what it has: an answer may come twice, never not at all.
"""

from collections.abc import Collection, Mapping

from edge_agent.core.answers import Contribution, build_error, build_results
from edge_agent.core.attempts import Attempts
from edge_agent.core.edition import Edition
from edge_agent.core.effects import Compute, Effect, SendPartials, SendReply
from edge_agent.core.events import Computed, RequestFault, Route
from edge_agent.core.held import Held
from edge_agent.core.holdings import Holdings
from edge_agent.core.minimum import (
    covers,
    too_little_alone,
    too_little_came,
    too_little_online,
    too_little_time,
)
from edge_agent.core.patience import Patience
from edge_agent.core.relay import Relay
from edge_agent.core.settings import Settings
from edge_agent.core.team import Team
from fluid.messages import Feature, Mode, Partial, Replies


class Progress:
    """The next step of each held request.

    edition: the bundle in force. team: who works together now.
    """

    def __init__(
        self, settings: Settings, holdings: Holdings, *, patience: Patience, attempts: Attempts
    ) -> None:
        self._settings = settings
        self._timing = settings.timing
        self._holdings = holdings
        self._deadlines = holdings.deadlines
        self._patience = patience
        self._attempts = attempts
        self._relay: Relay | None = None
        edition, me = settings.edition, settings.agent
        self.serve(edition, Team(me, edition.manifest, (me,), graph=edition.graph))

    def serve(self, edition: Edition, team: Team) -> None:
        """Answer with this bundle from now on, together with those who serve it."""
        self.edition, self.team = edition, team
        self._manifest = edition.manifest
        self._stage_names = edition.stage_names()
        self._relay = None
        if edition.graph is not None:
            self._relay = Relay(
                edition,
                edition.graph,
                settings=self._settings,
                holdings=self._holdings,
                patience=self._patience,
                attempts=self._attempts,
                refuse=self._refuse,
            )

    def on(self, held: Held, now: float) -> list[Effect]:
        """Move a request on as far as it goes now."""
        if not held.idle:
            return []
        relay = self._relay_of(held)
        if relay is None:
            return self._on_alone(held, now)
        effects, has_share = relay.advance(held, self.team, now)
        return effects + self._on_alone(held, now) if has_share else effects

    def _on_alone(self, held: Held, now: float) -> list[Effect]:
        """As far as it goes without others' feature maps."""
        key, team = held.request.key, self.team
        if held.together:
            share = team.my_share(key, held.hearers)
            combiner = held.combiner or team.combiner(key, held.hearers)
        else:
            share, combiner = team.my_stages(), self._settings.agent
        answers = combiner == self._settings.agent
        missing = held.missing(share)
        if not held.together and share and not self._suffices(held, share):
            return self._refuse_alone(held, share)
        # Whoever answers has to have read the payload, also where no share of it is its own.
        if missing or (answers and held.fault is None and not held.was_read):
            return self._compute(held, missing)
        if not held.together:
            return self._answer_alone(held, now)
        if not answers:
            return self._hand_over(held, combiner, now)
        return self._combine(held, now)

    def all_on(self, now: float) -> list[Effect]:
        """Move all held requests on."""
        effects: list[Effect] = []
        for held in self._holdings:
            effects += self.on(held, now)
        return effects

    def computed(self, held: Held, event: Computed) -> None:
        """Add our own share."""
        if event.is_batch is not None:
            held.is_batch = event.is_batch
        compute_ms = event.compute_ms
        if self._relay is not None:
            compute_ms = self._relay.computed(held, event)
        for stage, logits in event.outputs.items():
            # Shares that came before ours were taken on trust: ours shows how many images it is.
            held.drop_misfits(logits.shape)
            held.contributions[stage] = Contribution(logits, self._settings.agent, compute_ms)

    def share_ready(self, held: Held, now: float) -> list[Effect]:
        """The executor is done with a request, for better or worse."""
        held.computing = False
        held.computed_at = now
        # Whoever has a share of ours does not have this one.
        held.combiner = None
        return self.on(held, now)

    def computed_too_late(self, held: Held, now: float) -> list[Effect]:
        """The executor got the job before another bundle was in force."""
        held.computing = False
        return self.on(held, now)

    def contribute(self, held: Held, partial: Partial) -> bool:
        """Add a share of our bundle; False if it is known or cannot belong to this request."""
        if partial.stage >= len(self._stage_names):
            return False
        stage = self._stage_names[partial.stage]
        known = next(iter(held.contributions.values()), None)
        shape = (len(partial.logits), len(self._manifest.classes))
        fits = partial.logits.shape == shape and (
            known is None or known.logits.shape == partial.logits.shape
        )
        if not fits or stage in held.contributions:
            return False
        held.contributions[stage] = Contribution(partial.logits, partial.sender, partial.compute_ms)
        return True

    def take_map(self, held: Held, feature: Feature) -> bool:
        """Add a feature map of our bundle; False if it is known or of no use."""
        return self._relay is not None and self._relay.take(held, feature)

    def came_known(self, held: Held, feature: Feature, now: float) -> list[Effect]:
        """A feature map of our bundle has come that is known or of no use."""
        relay = self._relay_of(held)
        return relay.came_known(held, feature, self.team, now) if relay else []

    def came_again(self, held: Held, now: float) -> list[Effect]:
        """An equal request has come."""
        relay = self._relay_of(held)
        return self.on(held, now) if relay and relay.came_again(held, self.team, now) else []

    def relies_on(self, held: Held, agent: str) -> bool:
        """Whether a device has a part in a request that nobody else does."""
        if agent in self.awaited(held):
            return True
        return self._relay is not None and self._relay.relies_on(held, agent, self.team)

    def awaited(self, held: Held) -> tuple[str, ...]:
        """The devices whose part in a request has not come."""
        if held.flow is not None and held.flow.since is not None:
            return held.flow.awaits
        if held.combiner != self._settings.agent:
            return () if held.combiner is None else (held.combiner,)
        missing = held.missing(self.team.due(held.hearers))
        return self.team.owners(missing, held.request.key, held.hearers)

    def without(self, held: Held, agent: str, now: float, *, has_it: bool) -> list[Effect]:
        """Go on without a device, which has this request or has it not."""
        if has_it:
            self._patience.missed((agent,))
        else:
            self._patience.never_had(agent, now, came_at=held.expected_since)
        held.give_up(agent, has_it=has_it)
        held.combiner = None
        if not has_it and (relay := self._relay_of(held)) is not None:
            relay.never_had(held, agent, self.team)
        return self.on(held, now)

    def let_go(self, held: Held, route: Route, now: float) -> list[Effect]:
        """One delivery of a request was answered: acknowledge it, and go on with the rest."""
        effects = self._holdings.let_go(held, route, now)
        if held.deliveries:
            return effects + self.on(held, now)
        return effects + self._attempts.let_go(held.request.key)

    def _overdue(self, held: Held, now: float) -> list[Effect]:
        """A request has waited for others as long as was meant."""
        held.deadline = None
        combiner, relay = held.combiner, self._relay_of(held)
        if relay is not None and relay.is_waiting(held):
            effects = relay.overdue(held, self.team, now)
            return self.on(held, now) if effects is None else effects
        if combiner not in (None, self._settings.agent) and held.together:
            return self._answer_is_overdue(held, combiner, now)
        awaited = self.awaited(held)
        if now < held.patient_until:
            # Members that came to know of each other at different times may each believe that
            # the other's share is to come to it. Whoever has all shares answers.
            self._deadlines.set(held, held.patient_until)
            return self._give_shares(held, tuple(dict.fromkeys(awaited)))
        waited_s = now - (held.computed_at or held.arrived_at)
        may_come = awaited or not held.answerable
        at_work = may_come and (self._patience.at_work(awaited) or self._needs(held, awaited))
        if at_work and waited_s < self._timing.longest_wait_s:
            self._deadlines.set(held, now + self._timing.straggler_s)
            if relay is None:
                return []
            # They may count on others, and wait for what we have.
            shares = self._give_shares(held, tuple(dict.fromkeys(awaited)))
            return relay.tell_again(held, awaited, self.team) + shares
        return self._shares_are_overdue(held, awaited, now)

    def _shares_are_overdue(self, held: Held, awaited: tuple[str, ...], now: float) -> list[Effect]:
        relay = self._relay_of(held)
        if relay is not None and not self._counted(held):
            relay.give_up(held, awaited)
            held.combiner = None
            return self.on(held, now)
        self._patience.missed(awaited)
        if held.answerable:
            return self._answer(held, now) if self._suffices(held) else self._refuse_shares(held)
        # None of the shares was ours: answer as in high-throughput mode.
        held.together = False
        return self.on(held, now)

    def _answer_is_overdue(self, held: Held, combiner: str, now: float) -> list[Effect]:
        if self._patience.out_of_step(combiner) and not self._needs(held, (combiner,)):
            return self.without(held, combiner, now, has_it=True)
        if held.fault is not None:
            # We have no share of it to hand over, so nobody will tell us if it was answered before.
            return self._answer(held, now)
        # It is there and will answer, unless it never heard the request: it tells whoever
        # hands it a share, so we hand ours over again, or for the first time.
        held.combiner = None
        if (relay := self._relay_of(held)) is not None:
            job = relay.run_for_others(held, self.team)
            if not job and not held.contributions:
                job = relay.sign_of_life(held, self.team)
            return job or relay.remind(held, (combiner,), self.team) + self.on(held, now)
        stages = self.team.my_stages()
        if stages and not held.answerable:
            return self._compute(held, stages)
        return self.on(held, now)

    def due(self, held: Held, deadline: float, now: float) -> list[Effect]:
        """A deadline has passed that was set for this request, if it still stands."""
        if self._is_out_of_time(held, now):
            return self._answer_in_time(held, now)
        if held.deadline == deadline and held.idle:
            return self._overdue(held, now)
        return []

    def _compute(self, held: Held, stages: tuple[str, ...]) -> list[Effect]:
        held.computing = True
        return self._attempts.compute(Compute(held.request, stages), suspect=held.suspect)

    def _answer_alone(self, held: Held, now: float) -> list[Effect]:
        if held.answerable and self._suffices(held):
            return self._answer(held, now)
        # We hold no slot at the moment: until we are placed again, nobody can do better here.
        self._deadlines.set(held, now + self._timing.handover_s)
        return []

    def _combine(self, held: Held, now: float) -> list[Effect]:
        complete = held.answerable and not held.missing(self.team.due(held.hearers))
        if complete and self._suffices(held):
            return self._answer(held, now)
        if self._is_out_of_time(held, now):
            return self._answer_in_time(held, now)
        if held.combiner is None:
            held.combiner = self._settings.agent
            wait_s = self._patience.for_share_s(self.awaited(held), own_s=held.own_s())
            if not self._suffices(held):
                # Nothing is gained by an early refusal: a device may be about to be placed anew.
                wait_s = max(wait_s, self._timing.straggler_s)
            held.patient_until = now + wait_s
            hint_s = max(self._timing.hint_s, 2 * held.own_s())
            self._deadlines.set(held, now + min(wait_s, hint_s))
        return []

    def _suffices(self, held: Held, share: tuple[str, ...] = ()) -> bool:
        """Whether what is there, and our share, is at least what was asked for."""
        minimum = held.request.minimum
        if minimum is None or held.fault is not None:
            return True
        return covers(self._manifest, {*self._counted(held), *share}, minimum)

    def _is_out_of_time(self, held: Held, now: float) -> bool:
        """Whether the requester's deadline has passed for an answer that is ours to give."""
        if held.answer_by is None or now < held.answer_by or held.token is not None:
            return False
        combiner = held.combiner or self.team.combiner(held.request.key, held.hearers)
        return held.together and combiner == self._settings.agent

    def _hand_over(self, held: Held, combiner: str, now: float) -> list[Effect]:
        if held.combiner == combiner:
            return []
        held.combiner = combiner
        wait_s = self._patience.for_answer_s(combiner, own_s=held.own_s())
        if self._needs(held, (combiner,)):
            wait_s = max(wait_s, self._for_needed_s(held, combiner))
        self._deadlines.set(held, now + wait_s)
        return self._give_shares(held, (combiner,))

    def _for_needed_s(self, held: Held, combiner: str) -> float:
        """How long to wait for an answer that only this device can give: briefly if it is out of
        step and has been handed nothing by which to see that it never had the request."""
        relay = self._relay_of(held)
        was_told = bool(held.contributions) or (relay and relay.was_told(held, combiner))
        in_step = not self._patience.out_of_step(combiner)
        return self._timing.handover_s if was_told or in_step else self._timing.hint_s

    def _give_shares(self, held: Held, agents: tuple[str, ...]) -> list[Effect]:
        """Hand over every share that we know: its sender may be the device that just died."""
        partials = tuple(
            Partial(
                held.request.key,
                contribution.device,
                self.edition.digest,
                self._stage_names.index(stage),
                contribution.logits,
                contribution.compute_ms,
            )
            for stage, contribution in held.contributions.items()
        )
        return [SendPartials(agent, partials) for agent in agents] if partials else []

    def _relay_of(self, held: Held) -> Relay | None:
        """What moves a request on where stages read each other; a faulty one needs no stage."""
        return self._relay if held.fault is None else None

    def _needs(self, held: Held, agents: tuple[str, ...]) -> bool:
        """Whether no answer is possible without these devices."""
        relay = self._relay_of(held)
        return relay is not None and relay.needs(held, agents, self.team)

    def _counted(self, held: Held) -> Mapping[str, Contribution]:
        """What there is to answer with: of stages that read each other, all or nothing."""
        relay = self._relay_of(held)
        return held.contributions if relay is None else relay.counted(held, self.team)

    def _answer(self, held: Held, now: float) -> list[Effect]:
        if held.fault is not None:
            return self._refuse(held, held.fault)
        replies, token = self._results(held, now), self._holdings.answering(held)
        return [SendReply(held.request, replies, held.is_batch, token)]

    def _answer_in_time(self, held: Held, now: float) -> list[Effect]:
        """The requester's deadline has passed: answer with what is there, or say what is not."""
        there = self._counted(held) if held.was_read else {}
        if held.fault is not None or (there and self._suffices(held)):
            return self._answer(held, now)
        minimum, online = held.request.minimum, self.team.due(held.hearers)
        if not covers(self._manifest, online, minimum):
            return self._refuse(held, too_little_online(self._name(online), minimum=minimum))
        deadline_s = held.request.deadline_s or 0.0
        fault = too_little_time(self._name(there), minimum=minimum, deadline_s=deadline_s)
        return self._refuse(held, fault)

    def _refuse_alone(self, held: Held, share: tuple[str, ...]) -> list[Effect]:
        most = self._name({*share, *held.contributions})
        return self._refuse(held, too_little_alone(most, minimum=held.request.minimum))

    def _refuse_shares(self, held: Held) -> list[Effect]:
        minimum, online = held.request.minimum, self.team.due(held.hearers)
        if covers(self._manifest, online, minimum):
            there = self._name(held.contributions)
            return self._refuse(held, too_little_came(there, minimum=minimum))
        return self._refuse(held, too_little_online(self._name(online), minimum=minimum))

    def _name(self, stages: Collection[str]) -> str:
        return self._manifest.subnetwork_name(stages)

    def _refuse(self, held: Held, fault: RequestFault) -> list[Effect]:
        """Answer one delivery with an error; the next equal request may fare better."""
        replies = build_error(held.request, fault)
        token = self._holdings.answering(held)
        return [SendReply(held.request, replies, as_list=False, token=token)]

    def _results(self, held: Held, now: float) -> Replies:
        contributions = self._counted(held)
        slowest_ms = max([part.compute_ms for part in contributions.values()])
        return build_results(
            held.request,
            contributions,
            manifest=self._manifest,
            digest=self.edition.digest,
            mode=Mode.HA if held.heard_by_all else Mode.HT,
            queue_ms=max(0.0, (now - held.arrived_at) * 1000 - slowest_ms),
            degraded=held.heard_by_all and bool(held.missing(self.team.due(held.expected))),
        )
