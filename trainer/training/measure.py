"""How well a network's sub-networks classify in float."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.data import Images, Split
from trainer.models import SlicedCNN
from trainer.tensorflow_setup import keras, tf
from trainer.topology import SubNetworkSpec

_CHUNK_IMAGES = 1000


class FloatEvaluator:
    """Runs sub-networks on images; compiled once, so cheap to ask after each epoch."""

    def __init__(self, network: SlicedCNN, sub_networks: Iterable[SubNetworkSpec]) -> None:
        specs = tuple(sub_networks)
        self._names = tuple(spec.name for spec in specs)
        # The size of a chunk may vary: the last one is what is left.
        signature = tf.TensorSpec((None, *network.image_shape), tf.uint8)
        forward = tf.function(lambda images: network.logits(images, specs), autograph=False)
        self._forward = forward.get_concrete_function(signature)

    def logits(self, images: Images) -> dict[str, NDArray[np.float32]]:
        """Of each sub-network, float32 (n, classes)."""
        chunks = [
            self._forward(tf.constant(images[start : start + _CHUNK_IMAGES]))
            for start in range(0, len(images), _CHUNK_IMAGES)
        ]
        return {
            name: np.concatenate([_array(each[name]) for each in chunks]) for name in self._names
        }

    def accuracies(self, split: Split) -> dict[str, float]:
        """Share of the split's images, in [0, 1], that each sub-network classifies correctly."""
        return {
            name: float(np.mean(logits.argmax(axis=1) == split.labels))
            for name, logits in self.logits(split.images).items()
        }


def _array(tensor: Any) -> NDArray[np.float32]:
    array: NDArray[np.float32] = keras.ops.convert_to_numpy(tensor)
    return array
