"""Data sets by name, or by the path of a folder of pictures: what the command line offers."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from trainer.data import digits
from trainer.data.augmentation import Augmentation
from trainer.data.dataset import Dataset
from trainer.data.fashion_mnist import FASHION_MNIST
from trainer.data.folder import load_folder
from trainer.data.mnist import MNIST
from trainer.data.picture_form import PictureForm
from trainer.errors import DatasetError, UnknownDataset

_LOADERS: dict[str, Callable[[], Dataset]] = {
    "digits": digits.load,
    "fashion-mnist": FASHION_MNIST.load,
    "mnist": MNIST.load,
}


def dataset_names() -> tuple[str, ...]:
    """The names that `load_dataset` knows."""
    return tuple(_LOADERS)


def load_dataset(
    name_or_path: str,
    *,
    form: PictureForm | None = None,
    augmentation: Augmentation | None = None,
) -> Dataset:
    """Load a data set by its name, or from a folder of pictures (see `load_folder`).

    A name goes before a folder of the same name, which is reached as `./name`. form: the size and
    colour that a folder's pictures are turned into; the named data sets have their own, and a form
    that asks for another is refused. augmentation: instead of the data set's own.
    Raises `UnknownDataset`, or `DatasetError` if it cannot be read or has not that form.
    """
    form = form or PictureForm()
    if name_or_path in _LOADERS:
        dataset = _LOADERS[name_or_path]()
        _expect(dataset, form)
    elif _is_folder(Path(name_or_path)):
        dataset = load_folder(Path(name_or_path), form=form)
    elif os.sep in name_or_path:
        raise UnknownDataset(f"{name_or_path}: no such folder")
    else:
        raise UnknownDataset(
            f"no data set and no folder '{name_or_path}': give one of {', '.join(_LOADERS)}, "
            "or a folder of pictures"
        )
    return dataset if augmentation is None else replace(dataset, augmentation=augmentation)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:  # it lies in a folder that one may not look into
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error


def _expect(dataset: Dataset, form: PictureForm) -> None:
    height, width, channels = dataset.image_shape
    wanted = (*(form.size or (height, width)), form.channels or channels)
    if wanted != dataset.image_shape:
        raise DatasetError(
            f"{dataset.name}: its images are {dataset.image_shape} (height, width, channels), "
            f"not {wanted}"
        )
