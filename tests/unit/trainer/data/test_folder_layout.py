import os
from pathlib import Path

import pytest

from trainer.data.folder_layout import FolderLayout
from trainer.errors import DatasetError


def _touch(root: Path, *files: str) -> Path:
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def _found(layout: FolderLayout, root: Path) -> dict[str, list[tuple[str, int]]]:
    return {
        split: [(str(entry.path.relative_to(root)), entry.label) for entry in entries]
        for split, entries in layout.splits.items()
    }


def test_each_sub_folder_is_a_class_in_sorted_order(tmp_path: Path) -> None:
    _touch(tmp_path, "dog/b.JPG", "dog/a.jpeg", "cat/deeper/c.png", "bird/d.jpg")
    layout = FolderLayout.of(tmp_path)
    assert layout.classes == ("bird", "cat", "dog")
    assert _found(layout, tmp_path) == {
        "train": [("bird/d.jpg", 0), ("cat/deeper/c.png", 1), ("dog/a.jpeg", 2), ("dog/b.JPG", 2)]
    }


def test_other_files_are_counted_and_hidden_ones_are_not(tmp_path: Path) -> None:
    _touch(tmp_path, "a/1.png", "b/1.png", "a/notes.txt", "b/2.webp", "a/.DS_Store", ".git/x/1.png")
    _touch(tmp_path, "a/.thumbnails/1.png", "readme.txt")
    layout = FolderLayout.of(tmp_path)
    assert layout.classes == ("a", "b")
    assert layout.others == 2
    assert len(layout.entries) == 2


@pytest.mark.parametrize("validation", ["validation", "val"])
def test_folders_for_splits_are_taken_as_such(tmp_path: Path, validation: str) -> None:
    _touch(tmp_path, "train/a/1.png", "train/b/2.png", f"{validation}/b/3.png", "test/a/4.png")
    layout = FolderLayout.of(tmp_path)
    assert layout.classes == ("a", "b")
    assert _found(layout, tmp_path) == {
        "train": [("train/a/1.png", 0), ("train/b/2.png", 1)],
        "validation": [(f"{validation}/b/3.png", 1)],
        "test": [("test/a/4.png", 0)],
    }


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    _touch(tmp_path, "train/1.png", "plane/2.png")
    assert FolderLayout.of(tmp_path).classes == ("plane", "train")


@pytest.mark.parametrize(
    "files",
    [
        ["Training/a/1.png", "Training/b/1.png", "Testing/a/1.png"],
        ["test/a/1.png", "val/a/1.png"],
        ["TRAIN/1.png", "Test/1.png"],
        ["cat/1.png", "dog/1.png", "test/dog/1.png"],
    ],
)
def test_a_class_that_looks_like_a_split_is_refused(tmp_path: Path, files: list[str]) -> None:
    with pytest.raises(DatasetError, match=r"looks like a split: name split folders train"):
        FolderLayout.of(_touch(tmp_path, *files))


@pytest.mark.parametrize("strange", ["cat/1.png", "Test/a/1.png", "extra/a/1.png"])
def test_a_folder_beside_train_that_is_no_split_is_refused(tmp_path: Path, strange: str) -> None:
    _touch(tmp_path, "train/a/1.png", "train/b/1.png", strange)
    name = strange.split("/", maxsplit=1)[0]
    with pytest.raises(DatasetError, match=f"beside train is {name}, which is no split"):
        FolderLayout.of(tmp_path)


def test_two_folders_for_validation_are_refused(tmp_path: Path) -> None:
    _touch(tmp_path, "train/a/1.png", "train/b/1.png", "val/a/1.png", "validation/a/1.png")
    with pytest.raises(DatasetError, match="has both val and validation: keep one"):
        FolderLayout.of(tmp_path)


@pytest.mark.parametrize("name", [b"a\nb", b"a\x1bb", b"caf\xe9"])
def test_a_class_whose_name_is_no_line_of_text_is_refused(tmp_path: Path, name: bytes) -> None:
    _touch(tmp_path, "cat/1.png", f"{os.fsdecode(name)}/1.png")
    with pytest.raises(DatasetError, match=r"not valid UTF-8: rename it$") as refused:
        FolderLayout.of(tmp_path)
    assert "\n" not in str(refused.value)


def test_a_folder_whose_name_is_no_line_of_text_is_refused(tmp_path: Path) -> None:
    _touch(tmp_path / "my\nphotos", "cat/1.png", "dog/1.png")
    with pytest.raises(DatasetError, match=r"'my\\nphotos' holds a control character"):
        FolderLayout.of(tmp_path / "my\nphotos")


def test_links_are_followed_into_each_folder_once(tmp_path: Path) -> None:
    root = _touch(tmp_path / "photos", "cat/1.png", "dog/1.png")
    elsewhere = _touch(tmp_path / "elsewhere", "2.png")
    (root / "cat" / "more").symlink_to(elsewhere)
    (root / "cat" / "again").symlink_to(root / "cat")
    (elsewhere / "back").symlink_to(root / "cat")
    assert _found(FolderLayout.of(root), root) == {
        "train": [("cat/1.png", 0), ("cat/more/2.png", 0), ("dog/1.png", 1)]
    }


def test_a_root_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"absent: cannot be read \(No such file or directory\)"):
        FolderLayout.of(tmp_path / "absent")


def test_a_class_that_training_does_not_know_is_refused(tmp_path: Path) -> None:
    _touch(tmp_path, "train/a/1.png", "train/b/2.png", "test/c/3.png")
    with pytest.raises(DatasetError, match=r"/test: class c is not in .*/train"):
        FolderLayout.of(tmp_path)


def test_fewer_than_two_classes_are_refused(tmp_path: Path) -> None:
    _touch(tmp_path, "a/1.png", "2.png")
    with pytest.raises(DatasetError, match=r"needs a sub-folder of pictures for each .* and has 1"):
        FolderLayout.of(tmp_path)


def test_a_folder_without_any_picture_is_refused(tmp_path: Path) -> None:
    _touch(tmp_path, "a/1.gif", "b/2.txt")
    with pytest.raises(DatasetError, match="has no PNG and no JPEG"):
        FolderLayout.of(tmp_path)
