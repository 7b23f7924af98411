"""A bundle whose stages read each other, as a graph: what can be run where, and in which order.

Only for bundles that are cut between their slots (families static and dynamic). Pure functions of
the manifest, of who holds which slot, and of what has been computed; it knows no request.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from fluid.bundle import (
    IMAGE,
    LOGITS,
    Manifest,
    Stage,
    SubNetwork,
    dependency_order,
    is_whole,
)


@dataclass(frozen=True, slots=True)
class Part:
    """What one device does in a plan.

    stages: its own, each after those whose feature maps it reads. logits: the names of those that
    yield logits. wanted: the maps that they read of others, and who yields each, in the order of
    layers. outgoing: the maps that they yield for others, and who reads each. first: of these, the
    ones that are made of the image alone. owners: who has a part at all.
    """

    stages: tuple[Stage, ...]
    logits: tuple[str, ...]
    wanted: tuple[tuple[str, str], ...]
    outgoing: tuple[tuple[str, tuple[str, ...]], ...]
    first: frozenset[str]
    owners: frozenset[str]

    def ready(self, *, known: Collection[str], done: Collection[str]) -> tuple[Stage, ...]:
        """The stages that can be run now, one after the other.

        known: the feature maps that are there. done: the stages whose logits are. What one stage
        yields, the next may read: nobody has to be asked for it.
        """
        ready: list[Stage] = []
        there = {IMAGE, *known}
        for stage in self.stages:
            if stage.output in there or stage.name in done or not there.issuperset(stage.inputs):
                continue
            ready.append(stage)
            if stage.output != LOGITS:
                there.add(stage.output)
        return tuple(ready)

    def awaited(self, known: Collection[str]) -> tuple[str, ...]:
        """Who has to yield maps that are not there yet."""
        return tuple(dict.fromkeys(owner for name, owner in self.wanted if name not in known))


@dataclass(frozen=True, slots=True)
class Plan:
    """One sub-network that is run by several devices, or by one.

    stages: each after those whose feature maps it reads. logits: the names of those that yield
    logits, in the order of the manifest's slots. slots: those that all of them need.
    """

    subnetwork: str
    stages: tuple[Stage, ...]
    logits: tuple[str, ...]
    slots: tuple[str, ...]

    def part(self, agent: str, owners: Mapping[str, str]) -> Part:
        """An agent's part in it, where each slot's stages are run by its owner."""
        mine = tuple(stage for stage in self.stages if owners[stage.slot] == agent)
        writers = {stage.output: owners[stage.slot] for stage in self.stages}
        read = dict.fromkeys(name for stage in mine for name in stage.inputs if name != IMAGE)
        outgoing = (
            (stage.output, self._readers(stage.output, owners) - {agent})
            for stage in mine
            if stage.output != LOGITS
        )
        return Part(
            stages=mine,
            logits=tuple(stage.name for stage in mine if stage.output == LOGITS),
            wanted=tuple((name, writers[name]) for name in read if writers[name] != agent),
            outgoing=tuple((name, tuple(sorted(readers))) for name, readers in outgoing if readers),
            first=frozenset(stage.output for stage in mine if stage.inputs == (IMAGE,)),
            owners=frozenset(owners.values()),
        )

    def _readers(self, output: str, owners: Mapping[str, str]) -> set[str]:
        return {owners[stage.slot] for stage in self.stages if output in stage.inputs}


class Graph:
    """The plans of a manifest, one for each sub-network."""

    def __init__(self, manifest: Manifest) -> None:
        """Raises `BundleError` for a sub-network whose stages read what none of them yields."""
        self._slots = manifest.slots
        self._widest_first = sorted(
            (_plan(manifest, each) for each in manifest.subnetworks), key=_width, reverse=True
        )
        self._best: dict[frozenset[str], Plan | None] = {}

    @classmethod
    def of(cls, manifest: Manifest) -> "Graph | None":
        """That of a manifest; None if each of its stages goes from the image to logits."""
        return None if all(map(is_whole, manifest.stages)) else cls(manifest)

    def best(self, slots: Collection[str]) -> Plan | None:
        """The widest sub-network that those can run who hold these slots; None if there is none."""
        held = frozenset(slots)
        if held not in self._best:
            runnable = (plan for plan in self._widest_first if held.issuperset(plan.slots))
            self._best[held] = next(runnable, None)
        return self._best[held]

    def lacking(self, slots: Collection[str]) -> tuple[str, ...]:
        """Which further slots would have to be held for any sub-network to be run: the fewest."""
        lacking = (
            tuple(slot for slot in plan.slots if slot not in slots) for plan in self._widest_first
        )
        return min(lacking, key=len)


def _plan(manifest: Manifest, subnetwork: SubNetwork) -> Plan:
    stages = dependency_order(manifest, subnetwork.stages)
    needed = {stage.slot for stage in stages}
    last = sorted(
        (stage for stage in stages if stage.output == LOGITS),
        key=lambda stage: manifest.slots.index(stage.slot),
    )
    return Plan(
        subnetwork.name,
        stages,
        tuple(stage.name for stage in last),
        tuple(slot for slot in manifest.slots if slot in needed),
    )


def _width(plan: Plan) -> float:
    """How much of the network a sub-network is, in slots."""
    return sum(stage.width for stage in plan.stages if stage.output == LOGITS)
