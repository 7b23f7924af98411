"""Whether two data sets hold the same images, by a hash."""

import hashlib

from trainer.data.dataset import Dataset


def images_digest(dataset: Dataset) -> str:
    """sha256 (hex) of the images and labels of all splits, in their order."""
    digest = hashlib.sha256()
    for split in (dataset.train, dataset.validation, dataset.test):
        digest.update(repr(split.images.shape).encode())
        digest.update(split.images.tobytes())
        digest.update(split.labels.tobytes())
    return digest.hexdigest()
