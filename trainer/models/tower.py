"""`Tower`: a width-sliced convolutional network up to its logits."""

from collections.abc import Collection, Sequence
from typing import Any

from trainer.layers import SlicedBatchNormalization, SlicedConv2D, SlicedLayer, SlicedLogits
from trainer.models.folded import FoldedConvolution, FoldedHead, Weights
from trainer.models.geometry import CONVOLUTIONS, KERNEL_SIZE, Geometry
from trainer.models.sub_model import FloatSubModel
from trainer.tensorflow_setup import keras


@keras.saving.register_keras_serializable(package="fluid")
class Tower(keras.Model):  # type: ignore[misc] # Keras ships no type information
    """Three 3x3 convolutions (each normalised, ReLU) and a dense head, all width-sliced.

    `Geometry` says where it pools. Pixel values 0..255 are scaled inside, so that an exported
    file takes images as they are.

    Args:
        block_channels: channels that each block adds, the same in each convolution.
        classes: number of classes.
        dense: every block reads every other, as in an ordinary network; then there is no level
            but the widest.

    Input: uint8 or float32 (n, height, width, channels), values 0..255.
    Output: float32 (n, classes), logits, partial ones if the tower is one of several.
    """

    def __init__(
        self, block_channels: Sequence[int], classes: int, *, dense: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.block_channels = tuple(block_channels)
        self.classes = classes
        self.dense = dense
        self.rescaling = keras.layers.Rescaling(1 / 255, name="rescaling")
        self.convolutions = [
            SlicedConv2D(
                self.block_channels,
                KERNEL_SIZE,
                input_blocks=self.block_channels if index and not dense else None,
                name=f"convolution_{index}",
            )
            for index in range(CONVOLUTIONS)
        ]
        self.normalizations = [
            SlicedBatchNormalization(self.block_channels, name=f"normalization_{index}")
            for index in range(CONVOLUTIONS)
        ]
        self.head = SlicedLogits(self.block_channels, classes, name="head")
        self._image_shape: tuple[int, ...] = ()
        self._pools: tuple[bool, ...] = ()

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create every weight; `input_shape` is (None, height, width, channels)."""
        _, rows, columns, channels = (int(side or 0) for side in input_shape)
        self._image_shape = (rows, columns, channels)
        geometry = Geometry((rows, columns, channels), self.classes)
        self._pools = tuple(geometry.pools_after(index) for index in range(CONVOLUTIONS))
        for index, (height, width) in enumerate(geometry.sizes):
            self.convolutions[index].build((None, height, width, channels))
            channels = sum(self.block_channels)
            self.normalizations[index].build((None, height, width, channels))
        self.head.build((None, *geometry.sizes[-1], channels))
        self.built = True

    def call(self, images: Any, level: int | None = None, learning: Collection[int] = ()) -> Any:
        """Logits at a level (None: the widest); `learning` are the blocks that learn."""
        level = self.head.top_level if level is None else level
        return self.head(self.features(images, level, learning)[-1], level=level)

    def logits_by_level(
        self, images: Any, levels: Collection[int], learning: Collection[int] = ()
    ) -> dict[int, Any]:
        """Logits at several levels from one pass at the widest of them."""
        *_, features = self.features(images, max(levels), learning)
        return {
            level: self.head(features[..., : self.head.channels(level)], level=level)
            for level in sorted(levels)
        }

    def features(self, images: Any, level: int, learning: Collection[int] = ()) -> tuple[Any, ...]:
        """Each convolution's feature map, pooled where it is: float32 (n, height, width, channels
        of blocks 0..level)."""
        values = self.rescaling(images)
        maps = []
        for index, convolution in enumerate(self.convolutions):
            values = convolution(values, level=level)
            values = self.normalizations[index](values, level=level, learning=learning)
            values = keras.ops.relu(values)
            if self._pools[index]:
                values = keras.ops.max_pool(values, 2)
            maps.append(values)
        return tuple(maps)

    def block_variables(self, block: int) -> list[Any]:
        """The trainable variables of one block, in every layer."""
        layers: list[SlicedLayer] = [*self.convolutions, *self.normalizations, self.head]
        return [variable for layer in layers for variable in layer.block_variables(block)]

    def folded_weights(self, index: int, blocks: range) -> Weights:
        """A convolution of some blocks with its normalisation at rest folded in.

        blocks: consecutive. The kernel is (size, size, channels of all that the last of them
        reads, channels of `blocks`). The first convolution's is for pixel values 0..255.
        """
        scale, offset = self.normalizations[index].scale_and_offset(blocks[-1])
        kernel = self.convolutions[index].kernel(blocks[-1]) * scale
        if index == 0:
            kernel *= self.rescaling.scale
        written = self.head.span(blocks)
        return _constants(kernel[..., written], offset[written])

    def head_weights(self, blocks: range) -> Weights:
        """The head over consecutive blocks; the kernel is (height * width * channels, classes)."""
        return _constants(*self.head.kernel_and_bias(blocks))

    def sub_model(self, name: str, level: int, *, macs: int) -> FloatSubModel:
        """The tower at a level and at rest, with the weights that it has now."""
        blocks = range(level + 1)
        return FloatSubModel(
            name,
            self._image_shape,
            convolutions=[
                FoldedConvolution(self.folded_weights(index, blocks), self.pools_after(index))
                for index in range(CONVOLUTIONS)
            ],
            head=FoldedHead(self.head_weights(blocks)),
            macs=macs,
        )

    def pools_after(self, index: int) -> bool:
        """Whether a convolution's feature map is pooled."""
        return self._pools[index]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "block_channels": list(self.block_channels),
            "classes": self.classes,
            "dense": self.dense,
        }


def _constants(kernel: Any, bias: Any) -> Weights:
    return Weights(keras.ops.convert_to_numpy(kernel), keras.ops.convert_to_numpy(bias))
