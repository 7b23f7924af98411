"""From layer to layer: how a request moves on where stages read what other devices yield.

Owns what happens until our own share of the logits is there: which stages run here and when, who is
handed which feature map, who is waited for, and what becomes of a request that nobody can run.
Then it goes on as any other (`progress.py`). Bundles of whole stages have no relay.

No answer is made of less than a whole sub-network: without the feature maps of one slot, those of
another are of no use. So where nothing narrower can be run, a device that is there is waited for
longer, and in the end the answer is an error.
"""

from collections.abc import Callable, Collection

from edge_agent.core.answers import Contribution
from edge_agent.core.attempts import Attempts
from edge_agent.core.edition import Edition
from edge_agent.core.effects import Compute, Effect, SendFeatures
from edge_agent.core.events import Computed, RequestFault
from edge_agent.core.flow import Flow
from edge_agent.core.graph import Graph, Plan
from edge_agent.core.held import Held
from edge_agent.core.holdings import Holdings
from edge_agent.core.patience import Patience
from edge_agent.core.settings import Settings
from edge_agent.core.team import Team
from fluid.bundle import LOGITS, Stage
from fluid.errors import ErrorCode
from fluid.messages import Feature


class Relay:
    """The requests of one bundle that is cut between its slots.

    refuse: answers a request with an error. What it is given as `team` is who works together now.
    """

    def __init__(
        self,
        edition: Edition,
        graph: Graph,
        *,
        settings: Settings,
        holdings: Holdings,
        patience: Patience,
        attempts: Attempts,
        refuse: Callable[[Held, RequestFault], list[Effect]],
    ) -> None:
        self._edition = edition
        self._graph = graph
        self._me = settings.agent
        self._timing = settings.timing
        self._deadlines = holdings.deadlines
        self._patience = patience
        self._attempts = attempts
        self._refuse = refuse
        self._stages = edition.manifest.stages
        self._indices = {stage.output: i for i, stage in enumerate(self._stages)}
        self._outputs = {stage.name: stage.output for stage in self._stages}

    def advance(self, held: Held, team: Team, now: float) -> tuple[list[Effect], bool]:
        """Move a request on as far as it goes now; and whether our share of its logits is there,
        or none is due of us."""
        flow = _flow_of(held)
        plan = self._plan(held, team)
        if plan is None:
            held.combiner = None
            if flow.waits_for((), now) or held.deadline is None:
                self._deadlines.set(held, now + self._timing.straggler_s)
            return [], False
        mine = self._my_slots(held, plan, team)
        effects = self._tell(held, plan, mine, team)
        if ready := plan.ready(mine, known=flow.maps, done=held.contributions):
            flow.goes_on()
            return effects + self._run(held, ready), False
        awaited = self._awaited(held, plan, mine, team)
        if not awaited or self._has_share(held, plan, mine, team):
            flow.goes_on()
            return effects, True
        held.combiner = None
        if flow.waits_for(awaited, now) or held.deadline is None:
            wait_s = self._patience.for_share_s(awaited, own_s=held.own_s())
            held.patient_until = now + wait_s
            hint_s = max(self._timing.hint_s, 2 * held.own_s())
            self._deadlines.set(held, now + min(wait_s, hint_s))
        return effects, False

    def computed(self, held: Held, event: Computed) -> float:
        """Add what our stages yielded; returns how long all of ours took for this request."""
        flow = _flow_of(held)
        flow.compute_ms += event.compute_ms
        for stage, values in event.maps.items():
            flow.drop_misfits(len(values))
            flow.maps[self._outputs[stage]] = values
        return flow.compute_ms

    def take(self, held: Held, feature: Feature) -> bool:
        """Add another device's feature map of our bundle; False if it is known or cannot belong to
        this request."""
        if feature.stage >= len(self._stages):
            return False
        name, flow = self._stages[feature.stage].output, _flow_of(held)
        if name == LOGITS or name in flow.maps or flow.images not in (None, len(feature.values)):
            return False
        flow.maps[name] = feature.values
        if feature.sender not in held.expected:
            # It has heard the request, although its presence did not say so yet.
            held.join(feature.sender)
        return True

    def is_waiting(self, held: Held) -> bool:
        """Whether a request waits for feature maps, or for somebody who can yield them."""
        return held.flow is not None and held.flow.since is not None

    def overdue(self, held: Held, team: Team, now: float) -> list[Effect] | None:
        """A request has waited as long as was meant; None: it is to be moved on, without those
        that it has waited for."""
        flow = _flow_of(held)
        plan = self._plan(held, team)
        waited_s = now - (now if flow.since is None else flow.since)
        if plan is None:
            return self._slots_overdue(held, team, now, waited_s=waited_s)
        awaited = self._awaited(held, plan, self._my_slots(held, plan, team), team)
        worth_it = self.needs(held, awaited, team) or self._patience.at_work(awaited)
        if now < held.patient_until:
            self._deadlines.set(held, held.patient_until)
        elif worth_it and waited_s < self._timing.longest_wait_s:
            self._deadlines.set(held, now + self._timing.straggler_s)
        else:
            self.give_up(held, awaited)
            return None
        # Whoever we wait for may wait for us: what we handed over may be lost.
        return self.tell_again(held, awaited, team)

    def give_up(self, held: Held, agents: Collection[str]) -> None:
        """Expect nothing of these any more, in this request."""
        self._patience.missed(agents)
        for agent in agents:
            held.give_up(agent, has_it=True)
        _flow_of(held).goes_on()

    def needs(self, held: Held, agents: Collection[str], team: Team) -> bool:
        """Whether nothing can be run without these."""
        others = tuple(name for name in held.hearers if name not in agents)
        return held.together and team.plan(others) is None

    def relies_on(self, held: Held, agent: str, team: Team) -> bool:
        """Whether another device computes a part of a request."""
        plan = self._plan(held, team) if held.together else None
        return plan is not None and any(
            team.owner(slot, held.request.key, held.hearers) == agent for slot in plan.slots
        )

    def counted(self, held: Held, team: Team) -> dict[str, Contribution]:
        """The logits of a whole sub-network, by stage; nothing unless all of them are there."""
        plan = self._plan(held, team)
        if plan is None or held.missing(plan.logits):
            return {}
        return {name: held.contributions[name] for name in plan.logits}

    def tell_again(self, held: Held, agents: Collection[str], team: Team) -> list[Effect]:
        """Hand these whatever they read of ours, whether or not they have it."""
        plan = self._plan(held, team)
        if plan is None or held.flow is None:
            return []
        held.flow.told = {each for each in held.flow.told if each[0] not in agents}
        return self._tell(held, plan, self._my_slots(held, plan, team), team)

    def _plan(self, held: Held, team: Team) -> Plan | None:
        return team.plan(held.hearers) if held.together else self._graph.best(team.my_slots())

    def _my_slots(self, held: Held, plan: Plan, team: Team) -> tuple[str, ...]:
        if not held.together:
            return plan.slots
        key, hearers = held.request.key, held.hearers
        return tuple(slot for slot in plan.slots if team.owner(slot, key, hearers) == self._me)

    def _awaited(
        self, held: Held, plan: Plan, mine: tuple[str, ...], team: Team
    ) -> tuple[str, ...]:
        """Who has to yield the feature maps that our stages lack."""
        slots = plan.awaited(mine, known=_flow_of(held).maps)
        owners = (team.owner(slot, held.request.key, held.hearers) for slot in slots)
        return tuple(dict.fromkeys(owner for owner in owners if owner is not None))

    def _has_share(self, held: Held, plan: Plan, mine: tuple[str, ...], team: Team) -> bool:
        """Whether the logits of our slots are there, from whomever."""
        manifest = team.manifest
        return not held.missing(
            tuple(name for name in plan.logits if manifest.stage(name).slot in mine)
        )

    def _run(self, held: Held, stages: tuple[Stage, ...]) -> list[Effect]:
        known = _flow_of(held).maps
        maps = {name: known[name] for each in stages for name in each.inputs if name in known}
        job = Compute(held.request, tuple(each.name for each in stages), maps)
        held.computing = True
        return self._attempts.compute(job, suspect=held.suspect)

    def _tell(self, held: Held, plan: Plan, mine: tuple[str, ...], team: Team) -> list[Effect]:
        """Hand the maps of our slots to those who read them and have not been handed them yet."""
        flow = _flow_of(held)
        to: dict[str, list[Feature]] = {}
        for stage in plan.stages:
            if stage.slot not in mine or stage.output not in flow.maps:
                continue
            again = stage.output in flow.said
            for slot in plan.readers(stage.output):
                reader = team.owner(slot, held.request.key, held.hearers)
                if slot in mine or reader is None or (reader, stage.output) in flow.told:
                    continue
                flow.told.add((reader, stage.output))
                flow.said.add(stage.output)
                in_turn = plan.is_first(stage.output) and not (again or held.suspect)
                feature = self._feature(held, stage.output, in_turn=in_turn)
                to.setdefault(reader, []).append(feature)
        return [SendFeatures(reader, tuple(features)) for reader, features in to.items()]

    def _feature(self, held: Held, name: str, *, in_turn: bool) -> Feature:
        return Feature(
            held.request.key,
            self._me,
            self._edition.digest,
            self._indices[name],
            _flow_of(held).maps[name],
            in_turn,
        )

    def _slots_overdue(
        self, held: Held, team: Team, now: float, *, waited_s: float
    ) -> list[Effect]:
        """Nobody who has this request can run it, alone or with the others."""
        combiner = team.combiner(held.request.key, held.hearers)
        ours = not held.together or combiner == self._me
        # The others leave it to whoever is to answer, as long as that may still come.
        if not ours and waited_s < self._timing.longest_wait_s:
            self._deadlines.set(held, now + self._timing.straggler_s)
            return []
        return self._refuse(held, self._nothing_runnable(held, team))

    def _nothing_runnable(self, held: Held, team: Team) -> RequestFault:
        family = self._edition.manifest.family
        lacking = self._graph.lacking(team.held_by(team.members))
        if not lacking:
            message = (
                "not all of the devices that are needed for it got this request, as some were "
                "away or stood alone when it came; ask again"
            )
        elif not held.together:
            message = (
                f"each device answers alone in mode ht, and this one lacks the slots "
                f"{', '.join(lacking)} of family {family}; let them answer together: "
                "'fluid mode ha'"
            )
        else:
            noun = "slot" if len(lacking) == 1 else "slots"
            message = (
                f"no device that is online holds the {noun} {', '.join(lacking)}, without which "
                f"no sub-network of family {family} can be run; see with 'fluid status' which "
                "device is missing, and ask again when it is back"
            )
        return RequestFault(ErrorCode.NOTHING_RUNNABLE, message)


def _flow_of(held: Held) -> Flow:
    if held.flow is None:
        held.flow = Flow()
    return held.flow
