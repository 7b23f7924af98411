"""`Geometry`: sizes and costs of the convolutional network, from its shape alone.

Pure arithmetic, so that channels can be chosen before any weight exists.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from trainer.topology import Topology

KERNEL_SIZE = 3
CONVOLUTIONS = 3
_SMALLEST_POOLED_SIDE = 4  # below this, pooling throws away where a stroke is


@dataclass(frozen=True, slots=True)
class Geometry:
    """Three 3x3 convolutions and a dense head over an image of (height, width, channels).

    A convolution is followed by 2x2 max pooling while that leaves sides of at least 4 pixels, the
    last one never.
    """

    image_shape: tuple[int, int, int]
    classes: int

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """(height, width) of each convolution's output, before it is pooled."""
        height, width, _ = self.image_shape
        sizes = []
        for index in range(CONVOLUTIONS):
            sizes.append((height, width))
            if self._pools(index, (height, width)):
                height, width = height // 2, width // 2
        return tuple(sizes)

    def pools_after(self, index: int) -> bool:
        """Whether convolution number `index`, from 0, is followed by pooling."""
        return self._pools(index, self.sizes[index])

    def layer_macs(self, index: int, *, read: int, written: int) -> int:
        """Multiply-accumulates of a convolution that reads and writes so many channels."""
        height, width = self.sizes[index]
        return height * width * KERNEL_SIZE**2 * read * written

    def head_macs(self, channels: int) -> int:
        """Multiply-accumulates of the dense head over so many channels."""
        height, width = self.sizes[-1]
        return height * width * channels * self.classes

    def macs(self, *, read: int, written: int) -> int:
        """Multiply-accumulates of a whole image, each layer but the first reading `read`."""
        reads = (self.image_shape[-1], *[read] * (CONVOLUTIONS - 1))
        convolved = (
            self.layer_macs(index, read=channels, written=written)
            for index, channels in enumerate(reads)
        )
        return sum(convolved) + self.head_macs(written)

    def _pools(self, index: int, size: tuple[int, int]) -> bool:
        return index < CONVOLUTIONS - 1 and min(size) // 2 >= _SMALLEST_POOLED_SIDE


def device_macs(geometry: Geometry, topology: Topology, slot_channels: int) -> tuple[int, ...]:
    """What an image costs each slot, in multiply-accumulates, when all work at full width."""
    return tuple(
        geometry.macs(read=len(topology.reads(slot)) * slot_channels, written=slot_channels)
        for slot in range(len(topology.slots))
    )


def equal_work_channels(geometry: Geometry, topology: Topology, *, static_channels: int) -> int:
    """Channels of a slot, so that no device does more work than its share of a static network.

    A slot that reads no other does less work a channel, so it may have more of them: the result
    is the most that keep the busiest device within the static network's multiply-accumulates.
    static_channels: channels of the static network in all; rounded up to an even share a slot.
    """
    slots = len(topology.slots)
    share = math.ceil(static_channels / slots)
    budget = geometry.macs(read=slots * share, written=share)
    channels = share  # what a slot of the static network has, which no other family exceeds
    while max(device_macs(geometry, topology, channels + 1)) <= budget:
        channels += 1
    return channels


def block_channels(slot_channels: int, widths: Sequence[float]) -> tuple[int, ...]:
    """Channels that each width adds; raises `ValueError` if one of them adds none."""
    totals = [0, *(round(slot_channels * width) for width in widths)]
    blocks = tuple(wide - narrow for narrow, wide in pairwise(totals))
    if min(blocks) < 1:
        raise ValueError(f"{slot_channels} channels cannot be cut into widths {tuple(widths)}")
    return blocks
