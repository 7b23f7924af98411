"""Backbones for tests: one that works, and one for each way not to."""

from typing import Any

from trainer.tensorflow_setup import keras

NAME = "tests.unit.trainer.models.backbones"
PLAIN = f"{NAME}:plain"
NOT_A_FUNCTION = 7


def plain(channels: int) -> list[Any]:
    """Two layers of different kinds, and a map of 2x2 or more for the head."""
    return [
        keras.Sequential(
            [
                keras.layers.Conv2D(channels, 3, strides=2, padding="same", use_bias=False),
                keras.layers.BatchNormalization(momentum=0.9),
                keras.layers.ReLU(),
            ]
        ),
        keras.layers.SeparableConv2D(2 * channels, 3, strides=2, padding="same", activation="relu"),
    ]


def raises(channels: int) -> list[Any]:
    raise RuntimeError(f"no {channels} channels today\nand no more to say")


def refused_by_keras(channels: int) -> list[Any]:
    return [keras.layers.Conv2D(-channels, 3)]


def returns_a_model(channels: int) -> Any:
    return keras.Sequential([keras.layers.Conv2D(channels, 3)])


def returns_nothing(channels: int) -> list[Any]:
    del channels
    return []


def returns_numbers(channels: int) -> list[Any]:
    return [channels]


_SHARED = keras.layers.Conv2D(2, 3)


def returns_the_same_layer_again(channels: int) -> list[Any]:
    del channels
    return [_SHARED]


def pools_wide_blocks_more(channels: int) -> list[Any]:
    return [keras.layers.Conv2D(channels, 3, strides=channels, padding="same")]


def is_deeper_where_it_is_wider(channels: int) -> list[Any]:
    return [keras.layers.Conv2D(channels, 1) for _ in range(channels)]


def needs_a_large_image(channels: int) -> list[Any]:
    return [keras.layers.Conv2D(channels, 64)]


def flattens_for_a_dense_layer(channels: int) -> list[Any]:
    return [
        keras.layers.Conv2D(channels, 3, strides=4),
        keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(channels)]),
    ]


class Doubling(keras.layers.Layer):  # type: ignore[misc] # Keras ships no type information
    """A user's own layer, which knows nothing of training and says nothing of shapes."""

    def call(self, inputs: Any) -> Any:
        return inputs * 2.0


def uses_its_own_layer(channels: int) -> list[Any]:
    return [keras.layers.Conv2D(channels, 3, strides=2), Doubling()]


def normalizes_layers(channels: int) -> list[Any]:
    return [keras.layers.Conv2D(channels, 3), keras.layers.LayerNormalization()]


def uses_what_tflite_lacks(channels: int) -> list[Any]:
    return [keras.layers.Conv2D(channels, 3), keras.layers.Lambda(keras.ops.erfinv)]


def uses_what_is_new_in_tflite(channels: int) -> list[Any]:
    return [keras.layers.Conv2D(channels, 3, activation="softplus")]
