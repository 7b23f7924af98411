"""The built-in backbone `ds-cnn`: depthwise-separable convolutions for small colour images."""

from typing import Any

from trainer.tensorflow_setup import keras

# A short training has few steps, in which Keras' 0.99 would not reach what the batches show.
_MOMENTUM = 0.9


def ds_cnn_block(channels: int) -> list[Any]:
    """A block of one convolution and four depthwise-separable ones; a backbone.

    Made for images of 32x32 to 96x96 pixels; 8x8 is the smallest. Height and width are halved
    three times, the channels doubled twice. The mean over what is left of the picture goes to the
    head, so that the head does not grow with it.

    Layers read (n, height, width, any channels); the last yields (n, 4 * channels).
    """
    return [
        keras.Sequential([*_convolution(channels, kernel_size=3), keras.layers.MaxPooling2D(2)]),
        keras.Sequential([*_separable(2 * channels), keras.layers.MaxPooling2D(2)]),
        keras.Sequential(_separable(2 * channels)),
        keras.Sequential([*_separable(4 * channels), keras.layers.MaxPooling2D(2)]),
        keras.Sequential([*_separable(4 * channels), keras.layers.GlobalAveragePooling2D()]),
    ]


def _separable(filters: int) -> list[Any]:
    """A filter for each channel that is read, and a mixture of them for each that is written."""
    depthwise = keras.layers.DepthwiseConv2D(
        3, padding="same", use_bias=False, depthwise_initializer="he_normal"
    )
    return [depthwise, *_normalized_relu(), *_convolution(filters, kernel_size=1)]


def _convolution(filters: int, *, kernel_size: int) -> list[Any]:
    convolution = keras.layers.Conv2D(
        filters, kernel_size, padding="same", use_bias=False, kernel_initializer="he_normal"
    )
    return [convolution, *_normalized_relu()]


def _normalized_relu() -> list[Any]:
    return [keras.layers.BatchNormalization(momentum=_MOMENTUM), keras.layers.ReLU()]
