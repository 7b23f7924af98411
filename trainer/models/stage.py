"""`FloatStage`: what every original of a TFLite file offers, and how to run one on many images."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trainer.tensorflow_setup import keras

_CHUNK_IMAGES = 1024


class FloatStage(Protocol):
    """A stage in float: inputs, each (n, *shape), to one output.

    inputs, output: names as in a bundle's manifest (`fluid.bundle.Stage`).
    """

    name: str
    inputs: tuple[str, ...]
    input_shapes: Sequence[tuple[int, ...]]
    output: str
    macs: int

    def __call__(self, *inputs: Any) -> Any:
        """Tensors to a tensor, by TensorFlow operations on constants."""


def run_stage(stage: FloatStage, *inputs: NDArray[np.generic]) -> NDArray[np.float32]:
    """A stage's output, float32 (n, ...), for arrays (n, ...) in the order of its inputs."""
    chunks = [
        keras.ops.convert_to_numpy(
            stage(*(np.asarray(each[start : start + _CHUNK_IMAGES]) for each in inputs))
        )
        for start in range(0, len(inputs[0]), _CHUNK_IMAGES)
    ]
    return np.concatenate(chunks)
