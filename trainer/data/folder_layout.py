"""Which picture files a folder holds, of which class and for which split. Opens none of them.

Either `FOLDER/<class>/...`, or `FOLDER/train/<class>/...` with `validation/` (or `val/`) and
`test/` beside it. PNG and JPEG count, at any depth below a class, also behind symbolic links;
hidden files never do. What may be either, or is neither, is refused and not guessed at: a class
that is left out, or a split that is learnt as a class, shows in no number.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fluid.bundle.rules import is_one_line
from trainer.data.pictures import PICTURE_SUFFIXES
from trainer.errors import DatasetError

_SPLIT_FOLDERS = {"train": ("train",), "validation": ("validation", "val"), "test": ("test",)}
_SPLIT_NAMES = tuple(name for names in _SPLIT_FOLDERS.values() for name in names)
# In small letters, what people call splits.
_LIKE_SPLITS = frozenset({*_SPLIT_NAMES, "training", "valid", "testing"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture file, and its class by number."""

    path: Path
    label: int


@dataclass(frozen=True, slots=True)
class FolderLayout:
    """classes: folder names, sorted. splits: the files of `train`, and of those splits that have
    a folder of their own. others: files below a class that are neither PNG nor JPEG. unreadable:
    folders below a class that cannot be looked into, each with the reason."""

    classes: tuple[str, ...]
    splits: Mapping[str, tuple[Entry, ...]]
    others: int
    unreadable: tuple[str, ...]

    @classmethod
    def of(cls, folder: Path) -> "FolderLayout":
        """Look through a folder; raises `DatasetError` if it has not this layout."""
        roots = _split_roots(folder)
        classes = tuple(each.name for each in _sub_folders(roots["train"]))
        _expect_classes(roots["train"], classes)
        for root in roots.values():
            if unknown := {each.name for each in _sub_folders(root)} - set(classes):
                raise DatasetError(
                    f"{root}: class {', '.join(sorted(unknown))} is not in {roots['train']}"
                )
        unreadable: list[str] = []
        files = {name: tuple(_files(root, classes, unreadable)) for name, root in roots.items()}
        splits = {name: tuple(filter(_is_picture, found)) for name, found in files.items()}
        if not splits["train"]:
            raise DatasetError(
                f"{roots['train']}: has no PNG and no JPEG in its sub-folders"
                + "".join(f"; {line}" for line in unreadable[:1])
            )
        others = sum(map(len, files.values())) - sum(map(len, splits.values()))
        return cls(classes, splits, others, tuple(unreadable))

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The files of all splits."""
        return tuple(entry for entries in self.splits.values() for entry in entries)


def _split_roots(folder: Path) -> dict[str, Path]:
    """Where each split begins; only `train`, the folder itself, where it is not split."""
    _expect_one_line(folder, folder.resolve().name)
    names = [each.name for each in _sub_folders(folder)]
    if "train" not in names or not _sub_folders(folder / "train"):
        _expect_no_splits(folder, names)
        return {"train": folder}
    if strange := [name for name in names if name not in _SPLIT_NAMES]:
        raise DatasetError(
            f"{folder}: beside train is {', '.join(strange)}, which is no split: move it into "
            "train, name it validation or test, or take it out"
        )
    if {"val", "validation"}.issubset(names):
        raise DatasetError(f"{folder}: has both val and validation: keep one of them")
    return {
        split: folder / name
        for split, choices in _SPLIT_FOLDERS.items()
        for name in choices
        if name in names
    }


def _expect_no_splits(folder: Path, names: list[str]) -> None:
    """A single class may be called `test`, as long as it holds pictures and no classes."""
    alike = [name for name in names if name.lower() in _LIKE_SPLITS]
    if len(alike) > 1 or any(_sub_folders(folder / name) for name in alike):
        raise DatasetError(
            f"{folder}: {', '.join(alike)} would be a class here, and looks like a split: name "
            "split folders train, validation and test, or call the class something else"
        )


def _expect_classes(root: Path, classes: tuple[str, ...]) -> None:
    if len(classes) < 2:
        raise DatasetError(
            f"{root}: needs a sub-folder of pictures for each of two or more "
            f"classes, and has {len(classes)}"
        )
    for name in classes:
        _expect_one_line(root, name)


def _expect_one_line(folder: Path, name: str) -> None:
    """A bundle is called like the folder, and its answers like the classes."""
    if not is_one_line(name):
        raise DatasetError(
            f"{str(folder)!r}: the folder's name {name!r} holds a control character or is not "
            "valid UTF-8: rename it"
        )


def _sub_folders(folder: Path) -> list[Path]:
    """The visible ones, sorted; raises `DatasetError` if one cannot look."""
    try:
        return [each for each in _visible(folder) if each.is_dir()]
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be read ({error.strerror})") from error


def _visible(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if not each.name.startswith("."))


def _files(root: Path, classes: tuple[str, ...], unreadable: list[str]) -> Iterator[Entry]:
    for label, name in enumerate(classes):
        if (root / name).is_dir():  # a split may lack a class
            for path in sorted(_walk(root / name, unreadable)):
                yield Entry(path, label)


def _walk(top: Path, unreadable: list[str]) -> Iterator[Path]:
    """All files below a folder; folders that cannot be looked into are added to `unreadable`.

    Links are followed, into each folder once: they may lead round in a circle.
    """
    waiting, visited = [top], set()
    while waiting:
        folder = waiting.pop()
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in visited:
                continue
            visited.add((status.st_dev, status.st_ino))
            found = _visible(folder)
            waiting += [each for each in found if each.is_dir()]
            yield from (each for each in found if each.is_file())
        except OSError as error:
            unreadable.append(f"{folder}: cannot be read ({error.strerror})")


def _is_picture(entry: Entry) -> bool:
    return entry.path.suffix.lower() in PICTURE_SUFFIXES
