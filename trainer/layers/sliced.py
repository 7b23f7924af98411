"""What all width-sliced layers share: channels that are cut into blocks, and weights by block."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from trainer.tensorflow_setup import keras


class SlicedLayer(keras.layers.Layer):  # type: ignore[misc] # Keras ships no type information
    """A layer whose channels are cut into blocks, narrowest first.

    At level k it computes blocks 0..k. Each weight belongs to exactly one block, so that blocks
    learn and freeze alone.

    Args:
        block_channels: channels that each block adds.
    """

    def __init__(self, block_channels: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.block_channels = tuple(block_channels)
        self._weights_of_block: list[list[Any]] = [[] for _ in self.block_channels]

    @property
    def top_level(self) -> int:
        """The number of the widest block."""
        return len(self.block_channels) - 1

    def channels(self, level: int) -> int:
        """Channels of blocks 0..level together."""
        return tuple(accumulate(self.block_channels))[level]

    def span(self, blocks: range) -> slice:
        """Where the channels of consecutive blocks lie among all."""
        start = self.channels(blocks[0]) - self.block_channels[blocks[0]]
        return slice(start, self.channels(blocks[-1]))

    def block_variables(self, block: int) -> list[Any]:
        """The trainable variables that belong to a block alone."""
        return [weight for weight in self._weights_of_block[block] if weight.trainable]

    def add_block_weight(self, block: int, name: str, shape: Sequence[int], **kwargs: Any) -> Any:
        """As `add_weight`, for a weight that belongs to `block`."""
        weight = self.add_weight(name=f"{name}_{block}", shape=tuple(shape), **kwargs)
        self._weights_of_block[block].append(weight)
        return weight

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "block_channels": list(self.block_channels)}
