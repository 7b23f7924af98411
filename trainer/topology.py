"""Slots, widths, families, and the names of all that is made of them. Pure: no TensorFlow.

A *slot* is a share of the network's width; a *width* is a share of a slot's width; widths nest.
The channels that a width adds to the next narrower one are a *block*, the unit that learns or is
frozen. A *sub-model* is one slot at one width. A *sub-network* is one sub-model of each of some
slots, whose partial logits are summed. A *family* says what the slots read of each other, and so
which sub-networks there are.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

DEFAULT_WIDTHS = (0.5, 1.0)
_SLOT_NAMES = {1: ("whole",), 2: ("lower", "upper"), 3: ("lower", "middle", "upper")}


class Family(StrEnum):
    """What a slot reads of the others before the logits; the value is the name in a manifest.

    FLUID: nothing, so every slot works alone. DYNAMIC: at every layer, the slots before it, so a
    slot works only with all those before it (incremental training, arXiv 2105.03600). STATIC: at
    every layer, all the others (an ordinary dense network), so no slot works without the rest.
    """

    FLUID = "fluid"
    DYNAMIC = "dynamic"
    STATIC = "static"


class Block(NamedTuple):
    """The channels that width number `level` adds to its slot; both count from 0."""

    slot: int
    level: int


@dataclass(frozen=True, slots=True)
class SubModelSpec:
    """One slot at one width: the slot's blocks 0..level."""

    name: str
    slot: int
    level: int

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks it is made of, narrowest first."""
        return tuple(Block(self.slot, level) for level in range(self.level + 1))


@dataclass(frozen=True, slots=True)
class SubNetworkSpec:
    """Sub-models of different slots, in slot order."""

    name: str
    sub_models: tuple[SubModelSpec, ...]

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks it is made of."""
        return tuple(block for sub_model in self.sub_models for block in sub_model.blocks)


@dataclass(frozen=True, slots=True)
class Topology:
    """How a network's width is cut.

    slots: names, in the order in which the network grows. widths: shares of a slot's width,
    growing, the last one 1.0; a static network has no other. Raises `ValueError` for widths or
    names that cannot be told apart.
    """

    slots: tuple[str, ...]
    widths: tuple[float, ...] = DEFAULT_WIDTHS
    family: Family = Family.FLUID

    def __post_init__(self) -> None:
        grows = all(narrow < wide for narrow, wide in pairwise((0.0, *self.widths)))
        if not grows or not self.widths or self.widths[-1] != 1.0:
            given = ",".join(f"{width:g}" for width in self.widths)
            raise ValueError(f"widths must grow from above 0 to 1, as 0.5,1 do, not {given}")
        if self.family is Family.STATIC and len(self.widths) > 1:
            raise ValueError(f"a static network has the width 1.0 alone, not {self.widths}")
        names = [spec.name for spec in self.sub_models()]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"slots {self.slots} and widths {self.widths} give names {names}")

    @classmethod
    def of(
        cls,
        slots: int,
        *,
        widths: tuple[float, ...] | None = None,
        family: Family = Family.FLUID,
    ) -> "Topology":
        """A topology of so many slots, with the usual names: lower and upper for two.

        widths: by default 1/2 and 1/1, or 1/1 alone for a static network.
        """
        names = _SLOT_NAMES.get(slots, tuple(f"slot{number}" for number in range(1, slots + 1)))
        if widths is None:
            widths = (1.0,) if family is Family.STATIC else DEFAULT_WIDTHS
        return cls(names, widths, family)

    def reads(self, slot: int) -> range:
        """The slots whose feature maps a slot reads at every layer, itself among them."""
        match self.family:
            case Family.FLUID:
                return range(slot, slot + 1)
            case Family.DYNAMIC:
                return range(slot + 1)
            case Family.STATIC:
                return range(len(self.slots))

    def sub_models(self) -> tuple[SubModelSpec, ...]:
        """Every slot at every width, slot by slot, narrowest first."""
        return tuple(
            self.sub_model(slot, level)
            for slot in self._all_slots()
            for level in range(len(self.widths))
        )

    def sub_model(self, slot: int, level: int) -> SubModelSpec:
        """One sub-model, named by its slot and its share of the whole network's width in %."""
        # "slot1" needs a separator before a number, "lower" does not.
        separator = "-" if self.slots[slot][-1].isdigit() else ""
        name = f"{self.slots[slot]}{separator}{self._percent(self.widths[level])}"
        return SubModelSpec(name, slot, level)

    def growth(self) -> tuple[SubNetworkSpec, ...]:
        """The sub-networks of the incremental pass: each adds one block to the one before it."""
        specs = []
        for slot in self._all_slots():
            full = tuple(self._widest(earlier) for earlier in range(slot))
            for level in range(len(self.widths)):
                sub_models = (*full, self.sub_model(slot, level))
                name = self._percent(slot + self.widths[level]) if slot else sub_models[0].name
                specs.append(SubNetworkSpec(name, sub_models))
        return tuple(specs)

    def alone(self) -> tuple[SubNetworkSpec, ...]:
        """The sub-networks of one slot each, but for the first slot's, which begin the growth.

        Fluid networks alone have such.
        """
        if self.family is not Family.FLUID:
            return ()
        return tuple(
            SubNetworkSpec(spec.name, (spec,)) for spec in self.sub_models() if spec.slot > 0
        )

    def sub_networks(self) -> tuple[SubNetworkSpec, ...]:
        """Every named sub-network.

        Those of the growth, the slots alone, and what is left when a slot, or several of the first
        ones, are lost.

        For two slots of widths 1/2 and 1/1: lower25, lower50, 75, 100, upper25, upper50; without
        the last two in a dynamic network, and 100 alone in a static one.
        """
        if self.family is Family.STATIC:
            return (self.widest(),)
        named = {spec.sub_models: spec for spec in (*self.growth(), *self.alone())}
        for spec in (*self._last_slots(), *self._one_slot_lost()):
            named.setdefault(spec.sub_models, spec)
        return tuple(named.values())

    def widest(self) -> SubNetworkSpec:
        """The sub-network of every slot at full width."""
        if self.family is Family.STATIC:  # of one slot, too, it is the whole and not a part
            return SubNetworkSpec("100", tuple(self._widest(slot) for slot in self._all_slots()))
        return self.growth()[-1]

    def blocks(self) -> tuple[Block, ...]:
        """Every block, in the order of growth."""
        return self.widest().blocks

    def _all_slots(self) -> range:
        return range(len(self.slots))

    def _last_slots(self) -> Iterator[SubNetworkSpec]:
        """What is left when a device is lost that held several of the first slots."""
        for first in self._all_slots()[1:] if self.family is Family.FLUID else ():
            yield self._of_widest(slot for slot in self._all_slots() if slot >= first)

    def _one_slot_lost(self) -> Iterator[SubNetworkSpec]:
        for lost in self._all_slots() if self.family is Family.FLUID else ():
            if len(self.slots) > 1:
                yield self._of_widest(slot for slot in self._all_slots() if slot != lost)

    def _of_widest(self, slots: Iterable[int]) -> SubNetworkSpec:
        sub_models = tuple(self._widest(slot) for slot in slots)
        return SubNetworkSpec("+".join(spec.name for spec in sub_models), sub_models)

    def _widest(self, slot: int) -> SubModelSpec:
        return self.sub_model(slot, len(self.widths) - 1)

    def _percent(self, slot_widths: float) -> str:
        return str(round(100 * slot_widths / len(self.slots)))
