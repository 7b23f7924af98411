"""Counts the multiply-accumulates of Keras layers that somebody else chose."""

import math
from collections.abc import Sequence
from typing import Any

from trainer.tensorflow_setup import keras

Shape = Sequence[int | None]


def layer_macs(layer: Any, input_shape: Shape) -> int:
    """Multiply-accumulates of one image through a built layer.

    Counted are Conv2D, DepthwiseConv2D, SeparableConv2D and Dense, and those within a Sequential.
    Not counted: biases, activations, pooling, joining, and normalisation, which an exported file
    has folded into the convolution before it; nor what any other layer computes, a layer of the
    user's own or a nested functional model among them.

    input_shape: (None, ...).
    """
    if isinstance(layer, keras.Sequential):
        macs, shape = 0, input_shape
        for each in layer.layers:
            macs += layer_macs(each, shape)
            shape = output_shape(each, shape)
        return macs
    if isinstance(layer, keras.layers.SeparableConv2D):
        kernels = [layer.depthwise_kernel, layer.pointwise_kernel]
    elif isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)):
        kernels = [layer.kernel]
    else:
        return 0
    positions = math.prod(side or 0 for side in output_shape(layer, input_shape)[1:-1])
    weights: int = sum(math.prod(kernel.shape) for kernel in kernels)
    return positions * weights


def output_shape(layer: Any, input_shape: Shape) -> Shape:
    """What a layer makes of (None, ...)."""
    shape: Shape = layer.compute_output_spec(keras.KerasTensor(input_shape)).shape
    return shape
