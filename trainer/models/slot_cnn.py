"""`SlotCNN`: one slot's tower of a small convolutional network."""

from collections.abc import Collection, Sequence
from typing import Any

from trainer.layers import SlicedBatchNormalization, SlicedConv2D, SlicedLayer, SlicedLogits
from trainer.tensorflow_setup import keras

_CONVOLUTIONS = 3
_SMALLEST_POOLED_SIDE = 4  # below this, pooling throws away where a stroke is


@keras.saving.register_keras_serializable(package="fluid")
class SlotCNN(keras.Model):  # type: ignore[misc] # Keras ships no type information
    """Three 3x3 convolutions (each normalised, ReLU) and a dense head, all width-sliced.

    A convolution is followed by 2x2 max pooling while that leaves sides of at least 4 pixels, the
    last one never. Pixel values 0..255 are scaled inside, so that an exported file takes images
    as they are.

    Args:
        block_channels: channels that each width adds, the same in each convolution.
        classes: number of classes.

    Input: uint8 or float32 (n, height, width, channels), values 0..255.
    Output: float32 (n, classes), partial logits.
    """

    def __init__(self, block_channels: Sequence[int], classes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.block_channels = tuple(block_channels)
        self.classes = classes
        self.rescaling = keras.layers.Rescaling(1 / 255, name="rescaling")
        self.convolutions = [
            SlicedConv2D(
                self.block_channels,
                input_blocks=self.block_channels if index else None,
                name=f"convolution_{index}",
            )
            for index in range(_CONVOLUTIONS)
        ]
        self.normalizations = [
            SlicedBatchNormalization(self.block_channels, name=f"normalization_{index}")
            for index in range(_CONVOLUTIONS)
        ]
        self.head = SlicedLogits(self.block_channels, classes, name="head")
        self._conv_sizes: list[tuple[int, int]] = []

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create every weight; `input_shape` is (None, height, width, channels)."""
        _, height, width, channels = (int(side or 0) for side in input_shape)
        for convolution, normalization in zip(self.convolutions, self.normalizations, strict=True):
            convolution.build((None, height, width, channels))
            self._conv_sizes.append((height, width))
            channels = sum(self.block_channels)
            normalization.build((None, height, width, channels))
            if self._pools_after(len(self._conv_sizes) - 1):
                height, width = height // 2, width // 2
        self.head.build((None, height, width, channels))
        self.built = True

    def call(self, images: Any, level: int | None = None, learning: Collection[int] = ()) -> Any:
        """Partial logits at a level (None: the widest); `learning` are the blocks that learn."""
        level = len(self.block_channels) - 1 if level is None else level
        return self.head(self.features(images, level, learning), level=level)

    def logits_by_level(
        self, images: Any, levels: Collection[int], learning: Collection[int] = ()
    ) -> dict[int, Any]:
        """Partial logits at several levels from one pass at the widest of them."""
        widest = max(levels)
        features = self.features(images, widest, learning)
        return {
            level: self.head(features[..., : self.head.channels(level)], level=level)
            for level in sorted(levels)
        }

    def features(self, images: Any, level: int, learning: Collection[int] = ()) -> Any:
        """The last feature map, float32 (n, height, width, channels of blocks 0..level)."""
        values = self.rescaling(images)
        for index, convolution in enumerate(self.convolutions):
            values = convolution(values, level=level)
            values = self.normalizations[index](values, level=level, learning=learning)
            values = keras.ops.relu(values)
            if self._pools_after(index):
                values = keras.ops.max_pool(values, 2)
        return values

    def block_variables(self, block: int) -> list[Any]:
        """The trainable variables of one block, in every layer."""
        layers: list[SlicedLayer] = [*self.convolutions, *self.normalizations, self.head]
        return [variable for layer in layers for variable in layer.block_variables(block)]

    def macs(self, *, level: int) -> int:
        """Multiply-accumulates that an image costs at a level, as the exported file runs."""
        convolved = sum(
            convolution.macs(size, level=level)
            for convolution, size in zip(self.convolutions, self._conv_sizes, strict=True)
        )
        return convolved + self.head.macs(level=level)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "block_channels": list(self.block_channels),
            "classes": self.classes,
        }

    def _pools_after(self, index: int) -> bool:
        pooled_side = min(self._conv_sizes[index]) // 2
        return index < _CONVOLUTIONS - 1 and pooled_side >= _SMALLEST_POOLED_SIDE
