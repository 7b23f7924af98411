"""Data sets by name: the names that the command line offers."""

from collections.abc import Callable

from trainer.data import digits, mnist
from trainer.data.dataset import Dataset
from trainer.errors import UnknownDataset

_LOADERS: dict[str, Callable[[], Dataset]] = {"digits": digits.load, "mnist": mnist.load}


def dataset_names() -> tuple[str, ...]:
    """The names that `load_dataset` knows."""
    return tuple(_LOADERS)


def load_dataset(name: str) -> Dataset:
    """Load a data set; raises `UnknownDataset`, or `DatasetError` if it cannot be read."""
    if name not in _LOADERS:
        raise UnknownDataset(f"no data set '{name}': choose one of {', '.join(_LOADERS)}")
    return _LOADERS[name]()
