"""`FloatSubModel`: one slot at one width in Keras, the original of one TFLite file."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.data import Images
from trainer.tensorflow_setup import keras

_CHUNK_IMAGES = 1024


class FloatSubModel:
    """A view of a tower at a level; it shares the tower's weights and owns none."""

    def __init__(self, name: str, tower: Any, level: int, image_shape: tuple[int, ...]) -> None:
        self.name = name
        self.tower = tower
        self.level = level
        self.image_shape = image_shape

    def __call__(self, images: Any) -> Any:
        """Tensor (n, height, width, channels), values 0..255 -> partial logits (n, classes)."""
        return self.tower(images, level=self.level)

    def run(self, images: Images) -> NDArray[np.float32]:
        """uint8 images (n, height, width, channels) -> float32 partial logits (n, classes)."""
        chunks = [
            keras.ops.convert_to_numpy(self(images[start : start + _CHUNK_IMAGES]))
            for start in range(0, len(images), _CHUNK_IMAGES)
        ]
        return np.concatenate(chunks)

    @property
    def macs(self) -> int:
        """Multiply-accumulates that an image costs, as the exported file runs."""
        return int(self.tower.macs(level=self.level))
