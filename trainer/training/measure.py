"""How well a network's sub-networks classify in float."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from trainer.data import Split
from trainer.models import SlicedCNN
from trainer.tensorflow_setup import keras, tf
from trainer.topology import SubNetworkSpec

_CHUNK_IMAGES = 1000


class FloatEvaluator:
    """Measures sub-networks on one split; compiled once, so cheap to ask after each epoch."""

    def __init__(self, network: SlicedCNN, split: Split) -> None:
        self._split = split
        # The size of a chunk may vary: the last one is what is left.
        signature = tf.TensorSpec((None, *network.image_shape), tf.uint8)
        self._forward = tf.function(network.call).get_concrete_function(signature)

    def accuracies(self, sub_networks: Iterable[SubNetworkSpec]) -> dict[str, float]:
        """Share of the split's images, in [0, 1], that each sub-network classifies correctly."""
        specs = tuple(sub_networks)
        correct = dict.fromkeys((spec.name for spec in specs), 0)
        for start in range(0, len(self._split), _CHUNK_IMAGES):
            chunk = slice(start, start + _CHUNK_IMAGES)
            partials = self._partial_logits(self._split.images[chunk])
            for spec in specs:
                logits = sum(partials[sub_model.name] for sub_model in spec.sub_models)
                hits = np.argmax(logits, axis=1) == self._split.labels[chunk]
                correct[spec.name] += int(np.count_nonzero(hits))
        return {name: count / len(self._split) for name, count in correct.items()}

    def _partial_logits(self, images: Any) -> dict[str, Any]:
        partials = self._forward(tf.constant(images))
        return {name: keras.ops.convert_to_numpy(logits) for name, logits in partials.items()}
