import pytest

from tests.unit.trainer.models.backbones import Doubling
from trainer.models.work import layer_macs
from trainer.tensorflow_setup import keras

_LAYERS = keras.layers
_SHAPE = (None, 8, 6, 4)
_POSITIONS = 4 * 3  # with strides of 2


def _macs(layer: object, shape: tuple[int | None, ...] = _SHAPE) -> int:
    layer(keras.KerasTensor(shape))  # type: ignore[operator] # Keras ships no type information
    return layer_macs(layer, shape)


@pytest.mark.parametrize(
    ("layer", "macs"),
    [
        (_LAYERS.Conv2D(5, 3, strides=2, padding="same"), _POSITIONS * 9 * 4 * 5),
        (_LAYERS.Conv2D(6, 3, strides=2, padding="same", groups=2), _POSITIONS * 9 * 2 * 6),
        (_LAYERS.Conv2D(5, (3, 1)), 6 * 6 * 3 * 4 * 5),
        (_LAYERS.DepthwiseConv2D(3, strides=2, padding="same"), _POSITIONS * 9 * 4),
        (_LAYERS.SeparableConv2D(5, 3, strides=2, padding="same"), _POSITIONS * (9 * 4 + 4 * 5)),
        (_LAYERS.Dense(7), 8 * 6 * 4 * 7),
        (_LAYERS.BatchNormalization(), 0),
        (Doubling(), 0),
    ],
)
def test_each_kind_of_layer_costs_what_it_multiplies(layer: object, macs: int) -> None:
    assert _macs(layer) == macs


def test_nested_layers_are_counted_at_the_size_that_they_read() -> None:
    inner = keras.Sequential([_LAYERS.MaxPooling2D(2), _LAYERS.Conv2D(5, 1)])
    network = keras.Sequential([Doubling(), inner, _LAYERS.Flatten(), _LAYERS.Dense(7)])
    assert _macs(network) == 4 * 3 * 4 * 5 + 4 * 3 * 5 * 7
