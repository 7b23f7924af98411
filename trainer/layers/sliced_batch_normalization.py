"""`SlicedBatchNormalization`: batch normalisation whose blocks learn and freeze alone."""

from collections.abc import Collection, Sequence
from typing import Any

from trainer.layers.sliced import SlicedLayer
from trainer.tensorflow_setup import keras


@keras.saving.register_keras_serializable(package="fluid")
class SlicedBatchNormalization(SlicedLayer):
    """Batch normalisation over the channel axis, with weights and statistics by block.

    A block that learns is normalised by its batch and updates its moving statistics; any other
    is normalised by its moving statistics, which stay as they are: a frozen block must remain
    exactly the function that it was. One set of statistics serves every level, because a block's
    values do not depend on wider blocks.

    Args:
        block_channels: channels that each block adds.
        momentum: share of the moving statistics that a batch leaves in place.
        epsilon: added to the variance.

    Input and output: float32 (n, height, width, channels of blocks 0..level).
    """

    def __init__(
        self,
        block_channels: Sequence[int],
        *,
        momentum: float = 0.9,
        epsilon: float = 1e-3,
        **kwargs: Any,
    ) -> None:
        super().__init__(block_channels, **kwargs)
        self.momentum = momentum
        self.epsilon = epsilon
        self._gammas: list[Any] = []
        self._betas: list[Any] = []
        self._means: list[Any] = []
        self._variances: list[Any] = []

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create scale, offset and moving statistics of each block."""
        del input_shape  # the blocks say all there is to know
        for block, channels in enumerate(self.block_channels):
            shape = (channels,)
            self._gammas.append(self.add_block_weight(block, "gamma", shape, initializer="ones"))
            self._betas.append(self.add_block_weight(block, "beta", shape, initializer="zeros"))
            self._means.append(
                self.add_block_weight(
                    block, "moving_mean", shape, initializer="zeros", trainable=False
                )
            )
            self._variances.append(
                self.add_block_weight(
                    block, "moving_variance", shape, initializer="ones", trainable=False
                )
            )

    def call(self, inputs: Any, level: int | None = None, learning: Collection[int] = ()) -> Any:
        """Normalise at a level (None: the widest); `learning` are the blocks that learn now."""
        level = self.top_level if level is None else level
        scales, offsets = [], []
        for block in range(level + 1):
            mean, variance = self._means[block], self._variances[block]
            if block in learning:
                start = self.channels(block) - self.block_channels[block]
                values = inputs[..., start : self.channels(block)]
                mean, variance = keras.ops.moments(values, axes=(0, 1, 2))
                self._move(self._means[block], mean)
                self._move(self._variances[block], variance)
            scale = self._gammas[block] * keras.ops.rsqrt(variance + self.epsilon)
            scales.append(scale)
            offsets.append(self._betas[block] - mean * scale)
        return inputs * keras.ops.concatenate(scales) + keras.ops.concatenate(offsets)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum, "epsilon": self.epsilon}

    def _move(self, statistic: Any, value: Any) -> None:
        kept = statistic * self.momentum
        statistic.assign(kept + keras.ops.stop_gradient(value) * (1 - self.momentum))
