"""A folder of pictures, one sub-folder a class, as a data set. Layout: see `folder_layout`.

Which picture goes into which split follows from its content, not from a random order over the
whole folder: so every run, whatever its seed, is measured on the same pictures, and pictures that
are added later move hardly any of those that were there.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fluid.bundle import InputSpec
from fluid.codec import DecodeFailure
from trainer.data.augmentation import GREY_PICTURES, PHOTOS
from trainer.data.dataset import Dataset, Split
from trainer.data.folder_layout import Entry, FolderLayout
from trainer.data.picture_form import PictureForm
from trainer.data.pictures import Picture, choose_form, read_picture
from trainer.errors import DatasetError

# In this order, each a share of all pictures of a class that come without such a split.
_CUT_SHARES = {"test": 0.2, "validation": 0.1}
_CUT_KEY = b"fluid split 1"  # with another key, others would be cut off
_FEWEST_TO_CUT = 10
_MOST_UNREADABLE = 0.01
_LISTED = 10
_NAMED_CLASSES = 5


def load_folder(folder: Path, *, form: PictureForm) -> Dataset:
    """Load a folder of pictures: uint8 images (n, height, width, 1 or 3), values 0..255.

    The data set and its classes are named as the folders. 20 % of each class are for testing and
    10 % for validation, where the folder has none for these. Raises `DatasetError` for another
    layout, for a class of fewer than ten pictures (or none in a split that has a folder), and if
    more than 1 % of the pictures cannot be read; fewer are left out, and listed in the remarks.
    """
    layout = FolderLayout.of(folder)
    chosen = choose_form([entry.path for entry in layout.entries], form)
    unreadable = list(layout.unreadable)
    shots = {
        name: tuple(_read(entries, chosen.spec, unreadable))
        for name, entries in layout.splits.items()
    }
    _judge_unreadable(folder, unreadable, total=len(layout.entries))
    _expect_enough(folder, layout.classes, shots)
    splits = _cut(shots)
    height, width, channels = chosen.spec.shape
    return Dataset(
        folder.resolve().name,
        layout.classes,
        train=_split(splits["train"]),
        validation=_split(splits["validation"]),
        test=_split(splits["test"]),
        resize=chosen.spec.resize,
        augmentation=PHOTOS if channels == 3 else GREY_PICTURES,
        remarks=(
            f"pictures are taken as {height}x{width} {'RGB' if channels == 3 else 'grey'}: "
            f"{chosen.reason}",
            _about_classes(layout.classes, pictures=sum(map(len, splits.values()))),
            *_remarks(splits, unreadable=unreadable, others=layout.others),
        ),
        is_folder=True,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Shot:
    """A picture and its class by number."""

    picture: Picture
    label: int


def _read(entries: Sequence[Entry], spec: InputSpec, unreadable: list[str]) -> Iterator[_Shot]:
    """The readable ones; the others are added to `unreadable`, with the reason."""
    for entry in entries:
        picture = read_picture(entry.path, spec)
        if isinstance(picture, DecodeFailure):
            unreadable.append(f"{entry.path}: {picture.message}")
        else:
            yield _Shot(picture, entry.label)


def _judge_unreadable(folder: Path, unreadable: Sequence[str], *, total: int) -> None:
    if len(unreadable) > _MOST_UNREADABLE * total:
        raise DatasetError(
            f"{folder}: {len(unreadable)} of {total} pictures cannot be read, more than "
            f"{_MOST_UNREADABLE:.0%}; mend or remove them: {_listed(unreadable)}"
        )


def _expect_enough(
    folder: Path, classes: tuple[str, ...], shots: Mapping[str, Sequence[_Shot]]
) -> None:
    for name, found in shots.items():
        needed = _FEWEST_TO_CUT if name == "train" else 1
        counts = Counter(shot.label for shot in found)
        scarce = [
            f"{each} ({counts[label]})"
            for label, each in enumerate(classes)
            if counts[label] < needed
        ]
        if scarce:
            where = folder / name if len(shots) > 1 else folder
            raise DatasetError(
                f"{where}: at least {needed} readable pictures of each class are needed; too few "
                f"are of {_listed(scarce)}"
            )


def _cut(shots: Mapping[str, Sequence[_Shot]]) -> dict[str, Sequence[_Shot]]:
    """All three splits; those that are missing are cut off `train`, class by class."""
    missing = [name for name in _CUT_SHARES if name not in shots]
    parts: dict[str, list[_Shot]] = {name: [] for name in ("train", *missing)}
    by_class: dict[int, list[_Shot]] = {}
    for shot in shots["train"]:
        by_class.setdefault(shot.label, []).append(shot)
    for members in by_class.values():
        ranked = sorted(members, key=_rank)
        start = 0
        for name in missing:
            end = start + round(_CUT_SHARES[name] * len(members))
            parts[name] += ranked[start:end]
            start = end
        parts["train"] += ranked[start:]
    return {**shots, **parts}


def _rank(shot: _Shot) -> bytes:
    return hashlib.blake2b(shot.picture.digest, key=_CUT_KEY).digest()


def _split(shots: Sequence[_Shot]) -> Split:
    return Split(
        np.stack([shot.picture.pixels for shot in shots]),
        np.array([shot.label for shot in shots], dtype=np.int64),
    )


def _about_classes(classes: Sequence[str], *, pictures: int) -> str:
    """So that a folder which is not a class shows before anything is trained."""
    shown = ", ".join(classes[:_NAMED_CLASSES])
    rest = len(classes) - _NAMED_CLASSES
    return f"{pictures} pictures of {len(classes)} classes: {shown}" + (
        f" and {rest} more" if rest > 0 else ""
    )


def _remarks(
    splits: Mapping[str, Sequence[_Shot]], *, unreadable: Sequence[str], others: int
) -> Iterator[str]:
    sizes = {name: len(shots) for name, shots in splits.items()}
    yield (
        f"{sizes['train']} pictures for training, {sizes['validation']} for validation, "
        f"{sizes['test']} for testing"
    )
    if others:
        yield f"{others} files that are neither .png nor .jpg are left out"
    if unreadable:
        yield f"warning: {len(unreadable)} pictures cannot be read: {_listed(unreadable)}"
    digests = Counter(shot.picture.digest for shots in splits.values() for shot in shots)
    if copies := digests.total() - len(digests):
        yield f"warning: {copies} pictures are copies of others"


def _listed(lines: Sequence[str]) -> str:
    shown = "; ".join(lines[:_LISTED])
    rest = len(lines) - _LISTED
    return f"{shown}; and {rest} more" if rest > 0 else shown
