"""`BlockTower`: a tower whose blocks somebody's function builds from Keras layers."""

import math
from collections.abc import Collection, Sequence
from itertools import accumulate
from typing import Any

from trainer.errors import BlockMisfit
from trainer.layers import SlicedLogits
from trainer.models.backbone_block import BackboneBlock, Shape
from trainer.models.block_sub_model import BlockSubModel
from trainer.models.folded import FoldedHead, Weights
from trainer.tensorflow_setup import keras


@keras.saving.register_keras_serializable(package="fluid")
class BlockTower(keras.Model):  # type: ignore[misc] # Keras ships no type information
    """Blocks of Keras layers, of which the wider read the narrower ones, and a dense head.

    Layer number i of a block reads what the layers number i-1 of this block and of the narrower
    ones yield, joined by their channels; the first reads the image, scaled to 0..1. The head reads
    the last layers' outputs, each block's with weights of its own: the logits of a level are the
    sum over its blocks.

    Other than `Tower`, it computes block by block, so it takes any layers, and does not multiply
    by the zeros that a narrower block has for a wider one; but one wide kernel runs faster than
    several narrow ones, in training above all.

    Args:
        block_channels: channels that each block adds, as the backbone understands them.
        classes: number of classes.
        backbone: `ds-cnn`, or `package.module:function`; see `trainer.models.backbone`.

    Input: uint8 or float32 (n, height, width, channels), values 0..255.
    Output: float32 (n, classes), logits, partial ones if the tower is one of several.
    """

    def __init__(
        self, block_channels: Sequence[int], classes: int, *, backbone: str, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.block_channels = tuple(block_channels)
        self.classes = classes
        self.backbone = backbone
        self.rescaling = keras.layers.Rescaling(1 / 255, name="rescaling")
        self.blocks = [
            BackboneBlock(backbone, channels, name=f"block_{number}")
            for number, channels in enumerate(self.block_channels)
        ]
        self.head: Any = None  # what it reads is known once the blocks are built
        self._image_shape: tuple[int, ...] = ()
        self._positions = 0  # of the last outputs, in each channel

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create every weight; `input_shape` is (None, height, width, channels).

        Raises `BackboneFailed` and `BlockMisfit`.
        """
        self._image_shape = tuple(int(side or 0) for side in input_shape[1:])
        read: list[Shape] = [tuple(input_shape)] * len(self.blocks)
        for index in range(self._depth):
            written = self._build_layer(index, read)
            channels = [int(shape[-1] or 0) for shape in written]
            read = [(*written[0][:-1], each) for each in accumulate(channels)]
        for block in self.blocks:
            block.built = True
        self._positions = math.prod(int(side or 0) for side in read[-1][1:-1])
        self.head = SlicedLogits(channels, self.classes, name="head")
        self.head.build((None, self._positions, 1, sum(channels)))
        self.built = True

    def call(self, images: Any, level: int | None = None, learning: Collection[int] = ()) -> Any:
        """Logits at a level (None: the widest); `learning` are the blocks that learn."""
        level = len(self.blocks) - 1 if level is None else level
        return self.logits_by_level(images, (level,), learning)[level]

    def logits_by_level(
        self, images: Any, levels: Collection[int], learning: Collection[int] = ()
    ) -> dict[int, Any]:
        """Logits at several levels from one pass at the widest of them."""
        features = self.features(images, max(levels), learning)
        return {
            level: self.head(features[..., : self.head.channels(level)], level=level)
            for level in sorted(levels)
        }

    def features(self, images: Any, level: int, learning: Collection[int] = ()) -> Any:
        """What the head reads: float32 (n, positions, 1, channels of blocks 0..level)."""
        read = [self.rescaling(images)] * (level + 1)
        for index in range(self._depth):
            written = [
                self.blocks[number].call_part(index, inputs, learning=number in learning)
                for number, inputs in enumerate(read)
            ]
            read = [_joined(written[: number + 1]) for number in range(level + 1)]
        return keras.ops.reshape(read[-1], (-1, self._positions, 1, read[-1].shape[-1]))

    def block_variables(self, block: int) -> list[Any]:
        """The trainable variables of one block, in every layer."""
        return [*self.blocks[block].trainable_variables, *self.head.block_variables(block)]

    def macs(self, level: int) -> int:
        """Multiply-accumulates of an image; `layer_macs` says what counts."""
        of_blocks: int = sum(block.macs for block in self.blocks[: level + 1])
        of_head: int = self._positions * self.head.channels(level) * self.classes
        return of_blocks + of_head

    def sub_model(self, name: str, level: int, *, macs: int) -> BlockSubModel:
        """The tower at a level and at rest, with the weights that it has now."""
        kernel, bias = map(keras.ops.convert_to_numpy, self.head.kernel_and_bias(range(level + 1)))
        return BlockSubModel(
            name,
            lambda images: self.features(images, level),
            image_shape=self._image_shape,
            variables=[each for block in self.blocks[: level + 1] for each in block.variables],
            head=FoldedHead(Weights(kernel, bias)),
            macs=macs,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "block_channels": list(self.block_channels),
            "classes": self.classes,
            "backbone": self.backbone,
        }

    @property
    def _depth(self) -> int:
        """Layers of each block; raises `BlockMisfit` if they do not have equally many."""
        depths = {len(block.parts) for block in self.blocks}
        if len(depths) > 1:
            raise BlockMisfit(
                f"{self.backbone}: blocks of {self.block_channels} channels cannot be joined: "
                f"they have {' and '.join(map(str, sorted(depths)))} layers"
            )
        return depths.pop()

    def _build_layer(self, index: int, input_shapes: Sequence[Shape]) -> list[Shape]:
        """Layer number `index` of each block; returns what each yields."""
        shapes = [
            block.build_part(index, shape)
            for block, shape in zip(self.blocks, input_shapes, strict=True)
        ]
        sizes = {tuple(shape[1:-1]) for shape in shapes}
        if len(sizes) > 1:
            raise BlockMisfit(
                f"{self.backbone}: blocks of {self.block_channels} channels cannot be joined after "
                f"layer {index + 1}, which yields maps of {sorted(sizes)}"
            )
        return shapes


def _joined(maps: Sequence[Any]) -> Any:
    return keras.ops.concatenate(maps, axis=-1) if len(maps) > 1 else maps[0]
