"""`SlicedLogits`: the dense head that turns a slot's feature map into partial logits."""

from collections.abc import Sequence
from typing import Any

from trainer.layers.sliced import SlicedLayer
from trainer.tensorflow_setup import keras


@keras.saving.register_keras_serializable(package="fluid")
class SlicedLogits(SlicedLayer):
    """A dense layer over a sliced feature map; a level's logits are its blocks' logits summed.

    Args:
        block_channels: channels of the feature map that each block adds.
        classes: number of classes.

    Input: float32 (n, height, width, channels of blocks 0..level).
    Output: float32 (n, classes), the partial logits of the slot at that level.
    """

    def __init__(self, block_channels: Sequence[int], classes: int, **kwargs: Any) -> None:
        super().__init__(block_channels, **kwargs)
        self.classes = classes
        self._kernels: list[Any] = []
        self._biases: list[Any] = []

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create kernel and bias of each block; `input_shape` is that of the widest level."""
        height, width = (int(side or 0) for side in input_shape[1:3])
        # The fan-in of the whole head, not of a block: the blocks' logits are summed.
        fan_in = height * width * self.channels(self.top_level)
        initializer = keras.initializers.RandomNormal(stddev=fan_in**-0.5)
        for block, channels in enumerate(self.block_channels):
            shape = (height, width, channels, self.classes)
            self._kernels.append(
                self.add_block_weight(block, "kernel", shape, initializer=initializer.clone())
            )
            self._biases.append(
                self.add_block_weight(block, "bias", (self.classes,), initializer="zeros")
            )

    def call(self, inputs: Any, level: int | None = None) -> Any:
        """Partial logits at a level (None: the widest)."""
        level = self.top_level if level is None else level
        kernel, bias = self.kernel_and_bias(range(level + 1))
        flat = keras.ops.reshape(inputs, (-1, kernel.shape[0]))
        return keras.ops.matmul(flat, kernel) + bias

    def kernel_and_bias(self, blocks: range) -> tuple[Any, Any]:
        """The head over consecutive blocks: (height * width * channels, classes) and (classes,)."""
        span = slice(blocks[0], blocks[-1] + 1)
        kernel = keras.ops.concatenate(self._kernels[span], axis=2)
        bias = sum(self._biases[span])  # a tensor even of one, since sum starts from 0
        return keras.ops.reshape(kernel, (-1, self.classes)), bias

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "classes": self.classes}
