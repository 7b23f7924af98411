"""`CutStage`: one slot's share of one layer, where a layer is cut between devices."""

from collections.abc import Sequence
from typing import Any

from trainer.models.folded import FoldedConvolution, FoldedHead
from trainer.tensorflow_setup import tf

# Where a feature map that travels is cut off. Each is scaled so that it just reaches it, so all
# have the same int8 scale, 6/255: a device reads another's values as they come, and joins them
# with its own by copying. 6, because an interpreter does that cut within the convolution (ReLU6).
FEATURE_MAXIMUM = 6.0


class CutStage:
    """A convolution of the inputs, joined by their channels; a `FloatStage`.

    The last layer's stage ends with its share of the head: it yields partial logits.
    """

    def __init__(
        self,
        name: str,
        *,
        inputs: tuple[str, ...],
        input_shapes: Sequence[tuple[int, ...]],
        output: str,
        convolution: FoldedConvolution,
        head: FoldedHead | None = None,
        macs: int,
    ) -> None:
        """convolution: of all inputs' channels; capped where there is no head."""
        self.name = name
        self.inputs = inputs
        self.input_shapes = input_shapes
        self.output = output
        self.macs = macs
        self._convolution = convolution
        self._head = head

    def __call__(self, *inputs: Any) -> Any:
        """float32 (n, height, width, channels) each -> a feature map, or logits (n, classes)."""
        joined = tf.concat([tf.cast(each, tf.float32) for each in inputs], axis=-1)
        features = self._convolution(joined)
        return features if self._head is None else self._head(features)
