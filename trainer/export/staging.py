"""Which stages a network is exported as, and for which of its sub-networks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.data import Images
from trainer.export.cutting import Cutter, stage_names
from trainer.models import FloatStage, SlicedCNN
from trainer.topology import Family, SubModelSpec, SubNetworkSpec


@dataclass(frozen=True, slots=True, eq=False)
class PlannedStage:
    """A stage to be converted.

    calibration: for each input, (n, *shape), what it takes for some training images.
    sub_networks: the names of those that it is part of.
    """

    original: FloatStage
    slot: str
    width: float
    calibration: Sequence[NDArray[np.generic]]
    sub_networks: frozenset[str]

    @property
    def name(self) -> str:
        """The original's."""
        return self.original.name


def plan_stages(network: SlicedCNN, images: Images) -> tuple[PlannedStage, ...]:
    """One stage for each sub-model that works alone, and stages by layer for those that do not.

    images: for calibration, uint8 (n, height, width, channels). Between slots that meet in the
    logits nothing is cut. Where a slot reads others, a sub-network that lies within one slot is a
    single stage even so, since nobody has to be told of its feature maps; the same slot's share
    of a sub-network of several slots is cut after each layer.
    """
    return (*_whole_stages(network, images), *_cut_stages(network, images))


def _whole_stages(network: SlicedCNN, images: Images) -> tuple[PlannedStage, ...]:
    parts = _sub_networks_of(network, cut=False)
    return tuple(
        _planned(network, spec, network.sub_model(spec), (images,), names)
        for spec, names in parts.items()
    )


def _cut_stages(network: SlicedCNN, images: Images) -> tuple[PlannedStage, ...]:
    parts = _sub_networks_of(network, cut=True)
    if not parts:
        return ()
    cutter = Cutter(network, images)
    owners = {name: spec for spec in parts for name in stage_names(spec)}
    stages = ((owners[stage.name], stage) for stage in cutter.cut(tuple(parts)))
    return tuple(
        _planned(network, spec, stage, cutter.calibration(stage), parts[spec])
        for spec, stage in stages
    )


def _planned(
    network: SlicedCNN,
    spec: SubModelSpec,
    original: FloatStage,
    calibration: Sequence[NDArray[np.generic]],
    sub_networks: frozenset[str],
) -> PlannedStage:
    topology = network.topology
    slot, width = topology.slots[spec.slot], topology.widths[spec.level]
    return PlannedStage(original, slot, width, calibration, sub_networks)


def _sub_networks_of(network: SlicedCNN, *, cut: bool) -> dict[SubModelSpec, frozenset[str]]:
    """The sub-models of those sub-networks that are cut, or are not; for each, their names."""
    topology = network.topology
    chosen = [
        spec
        for spec in topology.sub_networks()
        if cut == (topology.family is not Family.FLUID and len(spec.sub_models) > 1)
    ]
    return {
        sub_model: _names_with(sub_model, chosen)
        for sub_model in topology.sub_models()
        if _names_with(sub_model, chosen)
    }


def _names_with(sub_model: SubModelSpec, specs: Sequence[SubNetworkSpec]) -> frozenset[str]:
    return frozenset(spec.name for spec in specs if sub_model in spec.sub_models)
