"""Layers with their weights as constants: what an exported file holds.

Normalisation and the scaling of pixels are folded in here, in float, and not left to the
converter, which folds what it recognises and exports the rest as further operators.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.tensorflow_setup import tf


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """A kernel, whose last axis is what it writes, and a bias along that axis, both float32."""

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class FoldedConvolution:
    """A 3x3 convolution, ReLU and perhaps 2x2 max pooling.

    weights: kernel (size, size, channels read, channels written). capped: what is above 6 is cut
    off (ReLU6).
    """

    weights: Weights
    pools: bool
    capped: bool = False

    def __call__(self, values: Any) -> Any:
        """float32 (n, height, width, channels) -> a feature map."""
        values = tf.nn.conv2d(values, self.weights.kernel, strides=1, padding="SAME")
        values += self.weights.bias
        values = tf.nn.relu6(values) if self.capped else tf.nn.relu(values)
        return tf.nn.max_pool2d(values, 2, 2, "VALID") if self.pools else values


@dataclass(frozen=True, slots=True, eq=False)
class FoldedHead:
    """The dense head. weights: kernel (height * width * channels, classes)."""

    weights: Weights

    def __call__(self, values: Any) -> Any:
        """float32 (n, height, width, channels) -> logits (n, classes)."""
        flat = tf.reshape(values, (-1, self.weights.kernel.shape[0]))
        return tf.matmul(flat, self.weights.kernel) + self.weights.bias
