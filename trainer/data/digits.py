"""The handwritten digits that ship inside scikit-learn: 1,797 grey images of 8x8 pixels.

No download. The test split is a fifth (360 images); validation is cut from the rest. The seed of
the split is fixed, so that every run, whatever its training seed, is measured on the same images.
"""

import numpy as np

from trainer.data.augmentation import SHIFTS
from trainer.data.dataset import Dataset, Split, stratified_split
from trainer.errors import DependencyMissing

_TEST_IMAGES = 360
_VALIDATION_IMAGES = 180
_SPLIT_SEED = 20240325
_HIGHEST_VALUE = 16  # scikit-learn counts the inked cells of a 4x4 raster


def load() -> Dataset:
    """Load `digits`: uint8 images (n, 8, 8, 1), values 0..255.

    Raises `DependencyMissing` if scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits  # noqa: PLC0415 - heavy, and optional on a device
    except ImportError as error:
        raise DependencyMissing(
            "scikit-learn is not installed: pip install -c constraints.txt '.[trainer]' in the "
            "clone"
        ) from error
    source = load_digits()
    images = np.rint(source.images * (255 / _HIGHEST_VALUE)).astype(np.uint8)[..., np.newaxis]
    everything = Split(images, source.target.astype(np.int64))
    rest, test = stratified_split(everything, held_out=_TEST_IMAGES, seed=_SPLIT_SEED)
    train, validation = stratified_split(rest, held_out=_VALIDATION_IMAGES, seed=_SPLIT_SEED)
    classes = tuple(str(name) for name in source.target_names)
    return Dataset(
        "digits",
        classes,
        train=train,
        validation=validation,
        test=test,
        augmentation=SHIFTS,
    )
