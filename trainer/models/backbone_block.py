"""`BackboneBlock`: the layers that a backbone built for one block."""

from collections.abc import Sequence
from typing import Any

from trainer.errors import BackboneFailed, BlockMisfit
from trainer.models.backbone import blamed_on, build_block
from trainer.models.work import layer_macs
from trainer.tensorflow_setup import keras

Shape = Sequence[int | None]

_TOO_SMALL = "output size would be zero or negative"  # as Keras says it, of any kind of layer


@keras.saving.register_keras_serializable(package="fluid")
class BackboneBlock(keras.layers.Layer):  # type: ignore[misc] # Keras ships no type information
    """A block's layers, which are built and called one by one: between two of them, blocks meet.

    Args:
        backbone: `ds-cnn`, or `package.module:function`.
        channels: what the function is called with.

    Its layers are built by `build_part`, in order; `call` would have nothing to join them with.
    """

    def __init__(self, backbone: str, channels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.backbone = backbone
        self.channels = channels
        self.macs = 0
        self.parts = build_block(backbone, channels)

    def build_part(self, index: int, input_shape: Shape) -> Shape:
        """Create the weights of layer number `index`, which reads (None, ...); returns what it
        yields, (None, ..., channels). Counts its work into `macs`.

        Raises `BackboneFailed` for a layer that raises or is not new, and `BlockMisfit` for an
        input that is too small for it.
        """
        part, place = self.parts[index], f"{self.backbone}: layer {index + 1}"
        if part.weights:
            raise BackboneFailed(
                f"{place} has weights already: the function must make new layers at each call"
            )
        try:
            with blamed_on(f"{place}, reading {_sizes(input_shape)},"):
                output: Shape = part(keras.KerasTensor(input_shape)).shape
                self.macs += layer_macs(part, input_shape)
        except BackboneFailed as error:
            if _TOO_SMALL not in str(error):
                raise
            raise BlockMisfit(
                f"{place} cannot read {_sizes(input_shape)}: the image is too small"
            ) from error
        if len(output) < 2 or any(side is None for side in output[1:]):
            raise BackboneFailed(f"{place} yields {output}, not (n, ..., channels) of fixed size")
        if 0 in output:
            raise BlockMisfit(
                f"{place} makes {_sizes(output)} of {_sizes(input_shape)}: the image is too small"
            )
        return output

    def call_part(self, index: int, inputs: Any, *, learning: bool) -> Any:
        """The output of layer number `index`; a block that does not learn is at rest."""
        return self.parts[index](inputs, training=learning)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "backbone": self.backbone, "channels": self.channels}


def _sizes(shape: Shape) -> str:
    return "x".join(str(side) for side in shape[1:])
