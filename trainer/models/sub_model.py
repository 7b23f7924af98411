"""`FloatSubModel`: one slot at one width in float, the original of one TFLite file."""

from collections.abc import Sequence
from typing import Any

from fluid.bundle import IMAGE, LOGITS
from trainer.models.folded import FoldedConvolution, FoldedHead
from trainer.tensorflow_setup import tf


class FloatSubModel:
    """From images to partial logits without reading another slot; a `FloatStage`.

    It holds the weights that its tower had when it was made.
    """

    inputs: tuple[str, ...] = (IMAGE,)
    output = LOGITS

    def __init__(
        self,
        name: str,
        image_shape: tuple[int, ...],
        *,
        convolutions: Sequence[FoldedConvolution],
        head: FoldedHead,
        macs: int,
    ) -> None:
        """convolutions: the first takes pixel values as they are, 0..255."""
        self.name = name
        self.input_shapes: Sequence[tuple[int, ...]] = (image_shape,)
        self.macs = macs
        self._convolutions = tuple(convolutions)
        self._head = head

    def __call__(self, images: Any) -> Any:
        """Tensor (n, height, width, channels), values 0..255 -> partial logits (n, classes)."""
        values = tf.cast(images, tf.float32)
        for convolution in self._convolutions:
            values = convolution(values)
        return self._head(values)
