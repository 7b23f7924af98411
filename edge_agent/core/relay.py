"""From layer to layer: how a request moves on where stages read what other devices yield.

Owns what happens until our own share of the logits is there: which stages run here and when, who is
handed which feature map, who is waited for, and what becomes of a request that nobody can run.
Then it goes on as any other (`progress.py`). Bundles of whole stages have no relay.

No answer is made of less than a whole sub-network: without the feature maps of one slot, those of
another are of no use. So where nothing narrower can be run, a device that is there is waited for
longer, and in the end the answer is an error.
"""

import math
from collections.abc import Callable, Collection

from edge_agent.core.answers import Contribution
from edge_agent.core.attempts import Attempts
from edge_agent.core.edition import Edition
from edge_agent.core.effects import Compute, Effect, SendFeatures
from edge_agent.core.events import Computed, RequestFault, Route
from edge_agent.core.flow import Flow
from edge_agent.core.graph import Graph, Part
from edge_agent.core.held import Held
from edge_agent.core.holdings import Holdings
from edge_agent.core.patience import Patience
from edge_agent.core.settings import Settings
from edge_agent.core.team import Team
from fluid.bundle import IMAGE, LOGITS, Stage
from fluid.errors import ErrorCode
from fluid.messages import Feature

_MOST_PARTS = 1000


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
        self._parts: dict[tuple[str, ...], Part] = {}
        self._indices = {stage.output: i for i, stage in enumerate(self._stages)}
        self._outputs = {stage.name: stage.output for stage in self._stages}

    def advance(self, held: Held, team: Team, now: float) -> tuple[list[Effect], bool]:
        """Move a request on as far as it goes now; and whether our share of its logits is there,
        or none is due of us."""
        flow, part = _flow_of(held), self._part(held, team)
        if part is None:
            held.combiner = None
            if flow.waits_for((), now) or held.deadline is None:
                # Of equal requests, the others have waited as well.
                wait_s = self._for_slots_s(held, team)
                self._deadlines.set(held, now - flow.waited_s(now) + wait_s)
            return [], False
        effects = self._tell(held, flow, part)
        if ready := part.ready(known=flow.maps, done=held.contributions):
            flow.goes_on()
            return effects + self._run(held, flow, ready), False
        awaited = () if not held.missing(part.logits) else part.awaited(flow.maps)
        if not awaited:
            flow.goes_on()
            return effects, True
        held.combiner = None
        if flow.waits_for(awaited, now) or held.deadline is None:
            # No hint before that: maps are large, and under load all of them are waited for.
            held.patient_until = now + self._patience.for_share_s(awaited, own_s=held.own_s())
            self._deadlines.set(held, held.patient_until)
        return effects, False

    def came_again(self, held: Held, team: Team, now: float) -> bool:
        """An equal request has come; whether that changes who can run it. Whoever is there now has
        that one, if not those before it; but whoever is out of step has not: it is one of a queue
        that only we have, and each of them would be waited for anew."""
        flow = _flow_of(held)
        if not held.together or flow.since is None or flow.awaits:
            return False
        before = held.hearers
        for agent in team.members:
            if not self._patience.out_of_step(agent):
                held.join(agent)
        if held.hearers == before:
            return False
        flow.joined_at = now
        # What they answer later on is this one or the next, and none of those before it.
        flow.unshared = max(flow.unshared, len(held.deliveries[Route.EVERYONE]) - 1)
        return True

    def never_had(self, held: Held, agent: str, team: Team) -> None:
        """A device says that it never had this request, nor any equal one so far, and has thrown
        away what it was handed. If nothing can be run without it, those are ours to answer,
        whatever it answers later on. Else those that are left answer for all of us."""
        flow = _flow_of(held)
        flow.told = {each for each in flow.told if each[0] != agent}
        ours = self._part(held, team) is None and self._is_ours(held, team)
        flow.unshared = len(held.deliveries.get(Route.EVERYONE, ())) if ours else 0

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

    def came_known(self, held: Held, feature: Feature, team: Team, now: float) -> list[Effect]:
        """Another device hands us what cannot be taken. If we have that map, its sender may lack
        ours: it waits for us although we do not count on it, or we handed ours over for an equal
        request that it holds no more. Not so often that two would answer each other for ever."""
        flow, sender = _flow_of(held), feature.sender
        known = (
            feature.stage < len(self._stages) and self._stages[feature.stage].output in flow.maps
        )
        if not known or not team.is_there(sender):
            return []
        if now < flow.answered_at.get(sender, -math.inf) + self._timing.handover_s:
            return []
        flow.answered_at[sender] = now
        slots = team.my_slots()
        ours = (each for each in self._stages if each.slot in slots and each.output in flow.maps)
        maps = tuple(self._feature(held, each.output, in_turn=False) for each in ours)
        return [SendFeatures(sender, maps)] if maps else []

    def is_waiting(self, held: Held) -> bool:
        """Whether a request waits for feature maps, or for somebody who can yield them."""
        return held.flow is not None and held.flow.since is not None

    def overdue(self, held: Held, team: Team, now: float) -> list[Effect] | None:
        """A request has waited as long as was meant; None: it is to be moved on, without those
        that it has waited for."""
        flow, part = _flow_of(held), self._part(held, team)
        waited_s = flow.waited_s(now)
        if part is None:
            return self._slots_overdue(held, team, now, waited_s=waited_s)
        awaited = part.awaited(flow.maps)
        worth_it = self.needs(held, awaited, team) or self._patience.at_work(awaited)
        if not worth_it or waited_s >= self._timing.longest_wait_s:
            self.give_up(held, awaited)
            return None
        self._deadlines.set(held, now + max(self._timing.straggler_s, 2 * held.own_s()))
        # Whoever we wait for may wait for us: what we handed over may be lost.
        return self.remind(held, awaited, team)

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
        part = self._part(held, team)
        if part is None:
            return held.together and agent == team.combiner(held.request.key, held.hearers)
        return agent in part.owners

    def counted(self, held: Held, team: Team) -> dict[str, Contribution]:
        """The logits of a whole sub-network, by stage; nothing unless all of them are there."""
        plan = team.plan(held.hearers) if held.together else self._graph.best(team.my_slots())
        if plan is None or held.missing(plan.logits):
            return {}
        return {name: held.contributions[name] for name in plan.logits}

    def tell_again(self, held: Held, agents: Collection[str], team: Team) -> list[Effect]:
        """Hand these whatever they read of ours, whether or not they have it."""
        flow, part = _flow_of(held), self._part(held, team)
        if part is None:
            return []
        flow.told = {each for each in flow.told if each[0] not in agents}
        return self._tell(held, flow, part)

    def run_for_others(self, held: Held, team: Team) -> list[Effect]:
        """Compute what our slots can, whoever it is due of: each of several devices of a slot may
        leave a request to another, if they disagree on who has it."""
        plan = team.plan(held.hearers)
        if plan is None:
            return []
        flow, slots = _flow_of(held), team.my_slots()
        mine = plan.part(self._me, {slot: self._me if slot in slots else "" for slot in plan.slots})
        stages = mine.ready(known=flow.maps, done=held.contributions)
        return self._run(held, flow, stages) if stages else []

    def sign_of_life(self, held: Held, team: Team) -> list[Effect]:
        """Compute something to hand to a device whose answer is overdue, if nothing is there: who
        is handed something of a request says if that never came, or was answered before."""
        flow = _flow_of(held)
        if flow.maps:
            return []
        ours = team.my_slots() or team.manifest.slots
        first = (each for each in self._stages if each.inputs == (IMAGE,) and each.output != LOGITS)
        stage = next((each for each in first if each.slot in ours), None)
        return [] if stage is None else self._run(held, flow, (stage,))

    def remind(self, held: Held, agents: Collection[str], team: Team) -> list[Effect]:
        """Hand devices that we wait for what they read of ours, or anything at all."""
        effects = self.tell_again(held, agents, team)
        name = next(iter(_flow_of(held).maps), None)
        if name is not None:
            told = {each.to for each in effects if isinstance(each, SendFeatures)}
            anything = (self._feature(held, name, in_turn=False),)
            effects += [SendFeatures(agent, anything) for agent in agents if agent not in told]
            _flow_of(held).told.update((agent, name) for agent in agents)
        return effects

    def was_told(self, held: Held, agent: str) -> bool:
        """Whether a device was handed anything of a request, so that it says if it never had it."""
        return any(to == agent for to, _ in _flow_of(held).told)

    def _part(self, held: Held, team: Team) -> Part | None:
        """What we do for a request; None: nobody can run it."""
        flow = _flow_of(held)
        asked = flow.part_of
        # Asked several times a request, and mostly nothing has changed.
        if (
            asked is None
            or asked[0] is not team
            or asked[1] is not held.hearers
            or asked[2] is not held.together
        ):
            flow.part_of = (team, held.hearers, held.together)
            flow.part = self._find_part(held, team)
        return flow.part

    def _find_part(self, held: Held, team: Team) -> Part | None:
        key, hearers = held.request.key, held.hearers
        if not held.together:
            plan = self._graph.best(team.my_slots())
            return plan.part(self._me, dict.fromkeys(plan.slots, self._me)) if plan else None
        plan = team.plan(hearers)
        if plan is None:
            return None
        owners = {slot: team.owner(slot, key, hearers) or self._me for slot in plan.slots}
        # Most requests have the same owners: always, where each slot has one device.
        of = (plan.subnetwork, *owners.values())
        part = self._parts.get(of)
        if part is None:
            if len(self._parts) >= _MOST_PARTS:
                self._parts.clear()
            part = self._parts[of] = plan.part(self._me, owners)
        return part

    def _run(self, held: Held, flow: Flow, stages: tuple[Stage, ...]) -> list[Effect]:
        maps = {
            name: flow.maps[name] for each in stages for name in each.inputs if name in flow.maps
        }
        job = Compute(held.request, tuple(each.name for each in stages), maps)
        held.computing = True
        return self._attempts.compute(job, suspect=held.suspect)

    def _tell(self, held: Held, flow: Flow, part: Part) -> list[Effect]:
        """Hand our maps to those who read them and have not been handed them yet."""
        to: dict[str, list[Feature]] = {}
        for name, readers in part.outgoing:
            if name not in flow.maps:
                continue
            in_turn = name in part.first and name not in flow.said and not held.suspect
            for reader in readers:
                if (reader, name) not in flow.told:
                    flow.told.add((reader, name))
                    flow.said.add(name)
                    to.setdefault(reader, []).append(self._feature(held, name, in_turn=in_turn))
        return [SendFeatures(reader, tuple(features)) for reader, features in to.items()]

    def _feature(self, held: Held, name: str, *, in_turn: bool) -> Feature:
        values = _flow_of(held).maps[name]
        digest, index = self._edition.digest, self._indices[name]
        return Feature(held.request.key, self._me, digest, index, values, in_turn)

    def _slots_overdue(
        self, held: Held, team: Team, now: float, *, waited_s: float
    ) -> list[Effect]:
        """Nobody who has this request can run it, alone or with the others."""
        combiner = team.combiner(held.request.key, held.hearers)
        # The others leave it to whoever is to answer, as long as that may still come.
        may_come = not self._patience.out_of_step(combiner)
        if not self._is_ours(held, team) and may_come and waited_s < self._timing.longest_wait_s:
            self._deadlines.set(held, now + self._timing.straggler_s)
            return self.sign_of_life(held, team) or self.remind(held, (combiner,), team)
        return self._refuse(held, self._nothing_runnable(held, team))

    def _is_ours(self, held: Held, team: Team) -> bool:
        """Whether we are to answer a request that nobody can run."""
        return not held.together or team.combiner(held.request.key, held.hearers) == self._me

    def _for_slots_s(self, held: Held, team: Team) -> float:
        """How long a request waits that nobody can run: a device may be about to be placed anew, or
        to hand us a map of it, but hardly one that is out of step."""
        lacking = self._graph.lacking(team.held_by(held.hearers)) if held.together else ()
        for holders in (team.holders.get(slot) for slot in lacking):
            if holders and all(map(self._patience.out_of_step, holders)):
                return self._timing.brief_s
        return self._timing.straggler_s

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
