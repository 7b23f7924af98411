"""`BlockSubModel`: a slot at one width, of a tower that is built from Keras layers."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from fluid.bundle import IMAGE, LOGITS
from trainer.models.folded import FoldedHead
from trainer.tensorflow_setup import keras, tf


class BlockSubModel:
    """From images to partial logits without reading another slot; a `FloatStage`.

    It runs the tower's own layers, on copies of the weights that they had when it was made. That
    makes their weights constants in an exported file, and normalisation and the scaling of pixels
    become part of the convolutions next to them there.
    """

    inputs: tuple[str, ...] = (IMAGE,)
    output = LOGITS

    def __init__(
        self,
        name: str,
        features: Callable[[Any], Any],
        *,
        image_shape: tuple[int, ...],
        variables: Iterable[Any],
        head: FoldedHead,
        macs: int,
    ) -> None:
        """features: what the head reads, from images of values 0..255, at rest.

        variables: all that `features` reads of its layers' state.
        """
        self.name = name
        self.input_shapes: Sequence[tuple[int, ...]] = (image_shape,)
        self.macs = macs
        self._features = features
        self._weights = [(each, each.numpy()) for each in variables]
        self._head = head

    def __call__(self, images: Any) -> Any:
        """Tensor (n, height, width, channels), values 0..255 -> partial logits (n, classes)."""
        with keras.StatelessScope(state_mapping=self._weights):
            return self._head(self._features(tf.cast(images, tf.float32)))
