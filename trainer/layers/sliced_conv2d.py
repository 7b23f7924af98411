"""`SlicedConv2D`: a convolution whose wider blocks read the narrower ones."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from trainer.layers.sliced import SlicedLayer
from trainer.tensorflow_setup import keras


@keras.saving.register_keras_serializable(package="fluid")
class SlicedConv2D(SlicedLayer):
    """A convolution without bias, stride 1, "same" padding, whose kernel is block-triangular.

    With `input_blocks`, what a narrow level yields does not depend on the weights of wider blocks.

    It runs as one dense convolution, because a phone-class processor runs one wide kernel faster
    than several narrow ones: the kernel is assembled from the blocks' parts, with zeros where a
    narrower block would read a wider one. An exporter folds the assembly into one constant.

    Args:
        block_channels: output channels that each block adds.
        kernel_size: height and width of the kernel.
        input_blocks: input channels that each block adds, when the input is sliced alike; None
            when every block reads the whole input (an image, or in an ordinary dense network).

    Input: float32 (n, height, width, input channels of blocks 0..level).
    Output: float32 (n, height, width, output channels of blocks 0..level).
    """

    def __init__(
        self,
        block_channels: Sequence[int],
        kernel_size: int = 3,
        *,
        input_blocks: Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(block_channels, **kwargs)
        if input_blocks is not None and len(input_blocks) != len(self.block_channels):
            raise ValueError(f"{len(input_blocks)} input blocks for {len(self.block_channels)}")
        self.kernel_size = kernel_size
        self.input_blocks = None if input_blocks is None else tuple(input_blocks)
        self._kernels: list[Any] = []

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create one kernel a block; `input_shape` is that of the widest level."""
        if self.input_blocks is None:
            readable = [int(input_shape[-1] or 0)] * len(self.block_channels)
        else:
            readable = list(accumulate(self.input_blocks))
        self._kernels = [
            self.add_block_weight(
                block,
                "kernel",
                (self.kernel_size, self.kernel_size, readable[block], filters),
                initializer="he_normal",
            )
            for block, filters in enumerate(self.block_channels)
        ]

    def call(self, inputs: Any, level: int | None = None) -> Any:
        """Convolve at a level (None: the widest)."""
        return keras.ops.conv(inputs, self.kernel(level), padding="same")

    def kernel(self, level: int | None = None) -> Any:
        """The dense kernel of blocks 0..level, (size, size, input channels, output channels)."""
        kernels = self._kernels[: (self.top_level if level is None else level) + 1]
        inputs = kernels[-1].shape[2]
        padded = [
            keras.ops.pad(kernel, ((0, 0), (0, 0), (0, inputs - kernel.shape[2]), (0, 0)))
            for kernel in kernels
        ]
        return keras.ops.concatenate(padded, axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "input_blocks": None if self.input_blocks is None else list(self.input_blocks),
        }
