"""A bundle whose stages read each other, as a graph: what can be run where, and in which order.

Only for bundles that are cut between their slots (families static and dynamic). Pure functions of
the manifest, of who holds which slot, and of what has been computed; it knows no request.
"""

from collections.abc import Collection
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
class Plan:
    """One sub-network that is run by several devices, or by one.

    stages: each after those whose feature maps it reads. logits: the names of those that yield
    logits, in the order of the manifest's slots. slots: those that all of them need.
    """

    subnetwork: str
    stages: tuple[Stage, ...]
    logits: tuple[str, ...]
    slots: tuple[str, ...]

    def ready(
        self, slots: Collection[str], *, known: Collection[str], done: Collection[str]
    ) -> tuple[Stage, ...]:
        """The stages of these slots that can be run now, one after the other.

        known: the feature maps that are there. done: the stages whose logits are. What one stage
        yields, the next may read: nobody has to be asked for it.
        """
        there = {IMAGE, *known}
        ready = []
        for stage in self.stages:
            if stage.slot not in slots or stage.output in there or stage.name in done:
                continue
            if there.issuperset(stage.inputs):
                ready.append(stage)
                if stage.output != LOGITS:
                    there.add(stage.output)
        return tuple(ready)

    def awaited(self, slots: Collection[str], *, known: Collection[str]) -> tuple[str, ...]:
        """The slots whose feature maps the stages of these slots lack, in the order of layers."""
        written = {stage.output: stage.slot for stage in self.stages}
        lacking = (
            written[name]
            for stage in self.stages
            if stage.slot in slots
            for name in stage.inputs
            if name != IMAGE and name not in known and written[name] not in slots
        )
        return tuple(dict.fromkeys(lacking))

    def readers(self, output: str) -> tuple[str, ...]:
        """The slots whose stages read a feature map."""
        return tuple(dict.fromkeys(each.slot for each in self.stages if output in each.inputs))

    def is_first(self, output: str) -> bool:
        """Whether a feature map is made of the image alone."""
        return any(each.output == output and each.inputs == (IMAGE,) for each in self.stages)


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
