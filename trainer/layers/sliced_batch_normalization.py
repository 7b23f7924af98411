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
        if not learning:
            scale, offset = self.scale_and_offset(level)
            return inputs * scale + offset
        # One pass over all channels, because cutting a large tensor into blocks copies it.
        means = keras.ops.mean(inputs, axis=(0, 1, 2))
        mean_squares = keras.ops.mean(keras.ops.square(inputs), axis=(0, 1, 2))
        variances = keras.ops.maximum(mean_squares - keras.ops.square(means), 0.0)
        parts = []
        for block in range(level + 1):
            mean, variance = self._means[block], self._variances[block]
            if block in learning:
                span = self.span(range(block, block + 1))
                mean, variance = means[span], variances[span]
                self._move(self._means[block], mean)
                self._move(self._variances[block], variance)
            parts.append(self._scale_and_offset(block, mean, variance))
        scales, offsets = zip(*parts, strict=True)
        return inputs * keras.ops.concatenate(scales) + keras.ops.concatenate(offsets)

    def scale_and_offset(self, level: int) -> tuple[Any, Any]:
        """What blocks 0..level do at rest: `inputs * scale + offset`, each (channels,)."""
        parts = [
            self._scale_and_offset(block, self._means[block], self._variances[block])
            for block in range(level + 1)
        ]
        scales, offsets = zip(*parts, strict=True)
        return keras.ops.concatenate(scales), keras.ops.concatenate(offsets)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum, "epsilon": self.epsilon}

    def _scale_and_offset(self, block: int, mean: Any, variance: Any) -> tuple[Any, Any]:
        scale = self._gammas[block] * keras.ops.rsqrt(variance + self.epsilon)
        return scale, self._betas[block] - mean * scale

    def _move(self, statistic: Any, value: Any) -> None:
        kept = statistic * self.momentum
        statistic.assign(kept + keras.ops.stop_gradient(value) * (1 - self.momentum))
