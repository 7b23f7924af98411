"""How many channels a slot has, so that no device does more than its share of a dense network.

The arithmetic of `cnn` is in `geometry`; what any other architecture costs is known only from its
layers, so some are built here, to be counted and thrown away.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence

from trainer.architecture import CNN
from trainer.errors import ArchitectureError
from trainer.models.block_tower import BlockTower
from trainer.models.geometry import Geometry, block_channels, equal_work_channels
from trainer.topology import Family, Topology


def slot_channels(
    architecture: str,
    topology: Topology,
    *,
    image_shape: tuple[int, int, int],
    classes: int,
    static_channels: int,
) -> int:
    """The most channels a slot that keep a device's work within its share of a static network's.

    static_channels: of the static network in all, which is of the same architecture; rounded up
    to an even share a slot. Of the architectures that are built from layers, what `layer_macs`
    counts is the work, which must grow with the channels; if even the fewest channels that can be
    cut into the widths are too many, those. Raises `ArchitectureError` if none can be cut so, or
    the layers cannot be built.
    """
    if architecture == CNN:
        geometry = Geometry(image_shape, classes)
        channels = equal_work_channels(geometry, topology, static_channels=static_channels)
        return _cuttable([channels], topology.widths)[0]

    def work(blocks: Sequence[int]) -> int:
        tower = BlockTower(blocks, classes, backbone=architecture)
        tower.build((None, *image_shape))
        return tower.macs(len(blocks) - 1)

    slots = len(topology.slots)
    whole = slots * math.ceil(static_channels / slots)
    if topology.family is Family.STATIC:
        return whole  # of one slot: of more, it would have to be cut
    # A slot reads at most itself, so work grows about as the square of its channels, and a slot of
    # as many as all of the static network's has too many, but for what its narrow blocks save.
    candidates = _cuttable(range(1, 2 * whole + 1), topology.widths)
    affordable = bisect_right(
        candidates,
        work([whole]) / slots,
        key=lambda each: work(block_channels(each, topology.widths)),
    )
    return candidates[max(affordable - 1, 0)]


def _cuttable(candidates: Sequence[int], widths: Sequence[float]) -> list[int]:
    """Those that can be cut into the widths; raises `ArchitectureError` if there are none."""
    cuttable = [each for each in candidates if _can_be_cut(each, widths)]
    if not cuttable:
        raise ArchitectureError(
            f"{candidates[-1]} channels of a slot cannot be cut into widths {tuple(widths)}: "
            "ask for more channels, or for fewer widths"
        )
    return cuttable


def _can_be_cut(channels: int, widths: Sequence[float]) -> bool:
    try:
        block_channels(channels, widths)
    except ValueError:
        return False
    return True
