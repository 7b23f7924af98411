"""What a data set is: three disjoint splits of uint8 images and labels, and how to cut one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fluid.bundle import InputSpec
from trainer.data.augmentation import NO_AUGMENTATION, Augmentation
from trainer.data.images import Images, Labels
from trainer.errors import DatasetError


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """images: uint8 (n, height, width, channels), values 0..255. labels: int64 (n,)."""

    images: Images
    labels: Labels

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != np.uint8:
            raise ValueError(
                f"images must be uint8 (n, h, w, c), not {self.images.dtype} {self.images.shape}"
            )
        if self.labels.shape != self.images.shape[:1]:
            raise ValueError(f"{len(self.images)} images but labels {self.labels.shape}")

    def __len__(self) -> int:
        return len(self.images)

    def take(self, chosen: NDArray[np.intp]) -> "Split":
        """The images and labels at these indices."""
        return Split(self.images[chosen], self.labels[chosen])


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """A named data set. train is learnt from, validation chooses between rounds, test measures.

    resize: how a served image gets this data set's shape, see `InputSpec`. augmentation: how
    training images may be varied. remarks: what a person should know of how it was read, one line
    each. is_folder: whether it is somebody's folder of pictures, called as that person likes.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    validation: Split
    test: Split
    resize: str = "exact"
    augmentation: Augmentation = NO_AUGMENTATION
    remarks: tuple[str, ...] = ()
    is_folder: bool = False

    @property
    def known_as(self) -> str:
        """Its name among the data sets that come with the trainer; empty for a folder.

        So that a folder which is called like one of them is not taken for it.
        """
        return "" if self.is_folder else self.name

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of one image."""
        _, height, width, channels = self.train.images.shape
        return height, width, channels

    @property
    def input_spec(self) -> InputSpec:
        """What a bundle that was trained on it takes."""
        return InputSpec(self.image_shape, resize=self.resize)

    def split(self, name: str) -> Split:
        """A split by its name; raises `DatasetError` for an unknown one."""
        splits = {"train": self.train, "validation": self.validation, "test": self.test}
        if name not in splits:
            raise DatasetError(f"no split '{name}': choose one of {', '.join(splits)}")
        return splits[name]


def stratified_split(split: Split, *, held_out: int, seed: int) -> tuple[Split, Split]:
    """Cut `held_out` images off, each class with its share of them: (the rest, held out).

    The classes' shares are rounded by largest remainder, so exactly `held_out` are cut off.
    Equal seeds give equal cuts; both parts keep the order of the images.
    """
    classes, counts = np.unique(split.labels, return_counts=True)
    exact = counts * held_out / len(split)
    quotas = np.floor(exact).astype(int)
    quotas[np.argsort(quotas - exact, kind="stable")[: held_out - quotas.sum()]] += 1
    generator = np.random.default_rng(seed)
    chosen = np.zeros(len(split), dtype=bool)
    for label, quota in zip(classes, quotas, strict=True):
        members = np.flatnonzero(split.labels == label)
        chosen[generator.permutation(members)[:quota]] = True
    return split.take(np.flatnonzero(~chosen)), split.take(np.flatnonzero(chosen))
