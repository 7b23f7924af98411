"""How one request moves on: computed, handed over or combined, and answered.

What a request waits for is always bounded by a deadline after which this device answers from
what it has: an answer may come twice, never not at all.
"""

from edge_agent.core.answers import Contribution, build_error, build_results
from edge_agent.core.effects import Compute, Effect, SendPartials, SendReply
from edge_agent.core.events import Computed, Route
from edge_agent.core.held import Held
from edge_agent.core.holdings import Holdings
from edge_agent.core.patience import Patience
from edge_agent.core.settings import Settings
from edge_agent.core.team import Team
from fluid.messages import Mode, Partial, Reply


class Progress:
    """The next step of each held request. team: who works together now."""

    def __init__(self, settings: Settings, holdings: Holdings, patience: Patience) -> None:
        self._settings = settings
        self._timing = settings.timing
        self._stage_names = tuple(stage.name for stage in settings.manifest.stages)
        self._holdings = holdings
        self._deadlines = holdings.deadlines
        self._patience = patience
        self.team = Team(settings.agent, settings.manifest, (settings.agent,))

    def on(self, held: Held, now: float) -> list[Effect]:
        """Move a request on as far as it goes now."""
        if not held.idle:
            return []
        key, team = held.request.key, self.team
        share = team.my_share(key, held.hearers) if held.together else team.my_stages()
        combiner = held.combiner or team.combiner(key, held.hearers)
        answers = not held.together or combiner == self._settings.agent
        missing = held.missing(share)
        # Whoever answers has to have read the payload, also where no share of it is its own.
        if missing or (answers and held.fault is None and not held.was_read):
            return self._compute(held, missing)
        if not held.together:
            return self._answer_alone(held, now)
        if not answers:
            return self._hand_over(held, combiner, now)
        if held.answerable and not held.missing(team.due(held.hearers)):
            return self._answer(held, now)
        if held.combiner is None:
            held.combiner = combiner
            wait_s = self._patience.for_share_s(self.awaited(held), own_s=held.own_s())
            self._deadlines.set(held, now + wait_s)
        return []

    def all_on(self, now: float) -> list[Effect]:
        """Move all held requests on."""
        effects: list[Effect] = []
        for held in self._holdings:
            effects += self.on(held, now)
        return effects

    def computed(self, held: Held, event: Computed) -> None:
        """Add our own share."""
        held.is_batch = event.is_batch
        for stage, logits in event.outputs.items():
            # Shares that came before ours were taken on trust: ours shows how many images it is.
            held.drop_misfits(logits.shape)
            held.contributions[stage] = Contribution(logits, self._settings.agent, event.compute_ms)

    def share_ready(self, held: Held, now: float) -> list[Effect]:
        """The executor is done with a request, for better or worse."""
        held.computing = False
        held.computed_at = now
        # Whoever has a share of ours does not have this one.
        held.combiner = None
        return self.on(held, now)

    def contribute(self, held: Held, partial: Partial) -> bool:
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

    def awaited(self, held: Held) -> tuple[str, ...]:
        """The devices whose part in a request has not come."""
        if held.combiner != self._settings.agent:
            return () if held.combiner is None else (held.combiner,)
        missing = held.missing(self.team.due(held.hearers))
        return self.team.owners(missing, held.request.key, held.hearers)

    def without(self, held: Held, agent: str, now: float, *, has_it: bool) -> list[Effect]:
        """Go on without a device, which has this request or has it not."""
        self._patience.missed((agent,))
        held.give_up(agent, has_it=has_it)
        held.combiner = None
        return self.on(held, now)

    def let_go(self, held: Held, route: Route, now: float) -> list[Effect]:
        """One delivery of a request was answered: acknowledge it, and go on with the rest."""
        effects = self._holdings.let_go(held, route, now)
        return effects + self.on(held, now) if held.deliveries else effects

    def overdue(self, held: Held, now: float) -> list[Effect]:
        """A request has waited for others as long as was meant."""
        held.deadline = None
        combiner = held.combiner
        if combiner not in (None, self._settings.agent) and held.together:
            return self._answer_is_overdue(held, combiner, now)
        awaited = self.awaited(held)
        waited_s = now - (held.computed_at or held.arrived_at)
        if self._patience.at_work(awaited) and waited_s < self._timing.longest_wait_s:
            self._deadlines.set(held, now + self._timing.straggler_s)
            return []
        self._patience.missed(awaited)
        if held.answerable:
            return self._answer(held, now)
        # None of the shares was ours: answer as in high-throughput mode.
        held.together = False
        return self.on(held, now)

    def _answer_is_overdue(self, held: Held, combiner: str, now: float) -> list[Effect]:
        if self._patience.out_of_step(combiner):
            return self.without(held, combiner, now, has_it=True)
        # It is there and will answer, unless it never heard the request: it tells whoever
        # hands it a share, so we hand ours over again, or for the first time.
        held.combiner = None
        stages = self.team.my_stages()
        if stages and not held.answerable:
            return self._compute(held, stages)
        return self.on(held, now)

    def _compute(self, held: Held, stages: tuple[str, ...]) -> list[Effect]:
        held.computing = True
        return [Compute(held.request, stages)]

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

    def _answer(self, held: Held, now: float) -> list[Effect]:
        if held.fault is not None:
            replies, as_list = build_error(held.request, held.fault), False
        else:
            replies, as_list = self._results(held, now), held.is_batch
        return [SendReply(held.request, replies, as_list, self._holdings.answering(held))]

    def _results(self, held: Held, now: float) -> tuple[Reply, ...]:
        slowest_ms = max(part.compute_ms for part in held.contributions.values())
        return build_results(
            held.request,
            held.contributions,
            manifest=self._settings.manifest,
            digest=self._settings.digest,
            mode=Mode.HA if held.heard_by_all else Mode.HT,
            queue_ms=max(0.0, (now - held.arrived_at) * 1000 - slowest_ms),
            degraded=held.heard_by_all and bool(held.missing(self.team.due(held.expected))),
        )
