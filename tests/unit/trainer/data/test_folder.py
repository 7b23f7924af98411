"""A folder of pictures becomes a data set, whose splits do not depend on chance."""

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from trainer.data import Dataset, PictureForm, load_dataset
from trainer.data.shapes import write_shapes
from trainer.errors import DatasetError

PER_CLASS = 20


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "shapes"
    write_shapes(folder, images_per_class=PER_CLASS, size_px=24)
    return folder


@pytest.fixture
def copied(shapes: Path, tmp_path: Path) -> Path:
    """For tests that change it."""
    return shutil.copytree(shapes, tmp_path / "shapes")


def _contents(dataset: Dataset, split: str) -> set[bytes]:
    return {image.tobytes() for image in dataset.split(split).images}


def _load(folder: Path) -> Dataset:
    return load_dataset(str(folder))


def test_a_folder_is_named_cut_and_described(shapes: Path) -> None:
    dataset = _load(shapes)
    assert dataset.name == "shapes"
    assert dataset.classes[::9] == ("blue-cross", "yellow-ring")
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (140, 20, 40)
    assert dataset.image_shape == (32, 32, 3)
    assert dataset.input_spec.resize == "bilinear"
    assert dataset.augmentation.mirrored
    assert dataset.remarks[0].startswith("pictures are taken as 32x32 RGB: 200 of the pictures")
    assert dataset.remarks[1:] == (
        f"200 pictures of 10 classes: {', '.join(dataset.classes[:5])} and 5 more",
        "140 pictures for training, 20 for validation, 40 for testing",
    )


def test_a_folder_that_is_called_like_a_data_set_is_not_known_as_it(
    copied: Path, tmp_path: Path
) -> None:
    dataset = _load(copied.rename(tmp_path / "mnist"))
    assert (dataset.name, dataset.known_as) == ("mnist", "")
    assert load_dataset("digits").known_as == "digits"


def test_a_folder_that_cannot_be_looked_into_counts_as_an_unreadable_picture(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = copied / "red-disc" / "locked"
    locked.mkdir()
    whole = Path.iterdir

    def iterdir(path: Path) -> Iterator[Path]:
        if path == locked:
            raise PermissionError(errno.EACCES, "Permission denied")
        return whole(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    assert (
        f"warning: 1 pictures cannot be read: {locked}: cannot be read (Permission denied)"
        in _load(copied).remarks
    )


@pytest.mark.parametrize(("split", "each"), [("train", 14), ("validation", 2), ("test", 4)])
def test_every_class_has_its_share_of_every_split(shapes: Path, split: str, each: int) -> None:
    assert np.bincount(_load(shapes).split(split).labels).tolist() == [each] * 10


def test_a_form_can_be_asked_for_and_grey_pictures_are_not_mirrored(shapes: Path) -> None:
    dataset = load_dataset(str(shapes), form=PictureForm((20, 28), 1))
    assert dataset.image_shape == (20, 28, 1)
    assert not dataset.augmentation.mirrored


def test_pictures_that_are_added_move_hardly_any_between_splits(copied: Path) -> None:
    before = _load(copied)
    write_shapes(copied / "more", images_per_class=2, size_px=24, seed=1)
    for picture in (copied / "more").rglob("*.jpg"):
        picture.rename(copied / picture.parent.name / f"added-{picture.name}")
    shutil.rmtree(copied / "more")
    after = _load(copied)
    moved_to_train = _contents(before, "test") & _contents(after, "train")
    assert len(after.train) + len(after.validation) + len(after.test) == 220
    assert len(moved_to_train) < 10


def test_renaming_pictures_changes_no_split(copied: Path) -> None:
    before = _load(copied)
    for number, picture in enumerate(sorted(copied.rglob("*.jpg"), reverse=True)):
        picture.rename(picture.with_name(f"renamed-{number}.jpg"))
    after = _load(copied)
    for split in ("train", "validation", "test"):
        assert _contents(before, split) == _contents(after, split)


def test_given_splits_are_kept_and_a_missing_one_is_cut_off_training(
    copied: Path, tmp_path: Path
) -> None:
    root = tmp_path / "split"
    write_shapes(root / "test", images_per_class=3, size_px=24, seed=9)
    copied.rename(root / "train")
    dataset = _load(root)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (180, 20, 30)
    assert np.bincount(dataset.test.labels).tolist() == [3] * 10


def test_a_few_unreadable_pictures_are_left_out_and_listed(copied: Path) -> None:
    broken = copied / "red-disc" / "0000.jpg"
    broken.write_bytes(broken.read_bytes()[:200])
    dataset = _load(copied)
    assert sum(map(len, (dataset.train, dataset.validation, dataset.test))) == 199
    (warning,) = (remark for remark in dataset.remarks if remark.startswith("warning"))
    assert "1 pictures cannot be read" in warning
    assert f"{broken}: " in warning


def test_more_than_one_percent_of_unreadable_pictures_are_an_error(copied: Path) -> None:
    for number in range(3):
        (copied / "red-disc" / f"{number:04}.jpg").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"3 of 200 pictures cannot be read, .*0002\.jpg: neith"):
        _load(copied)


def test_a_class_of_too_few_pictures_is_named(copied: Path) -> None:
    for picture in sorted((copied / "red-disc").iterdir())[9:]:
        picture.unlink()
    with pytest.raises(DatasetError, match=r"at least 10 .* are of red-disc \(9\)"):
        _load(copied)


def test_a_class_without_pictures_in_a_given_split_is_named(copied: Path, tmp_path: Path) -> None:
    root = tmp_path / "split"
    write_shapes(root / "test", images_per_class=1, size_px=24)
    next((root / "test" / "blue-disc").iterdir()).unlink()
    copied.rename(root / "train")
    with pytest.raises(DatasetError, match=r"/test: at least 1 .* are of blue-disc \(0\)"):
        _load(root)


def test_copies_and_other_files_are_remarked_on(copied: Path) -> None:
    shutil.copy(copied / "red-disc" / "0000.jpg", copied / "red-disc" / "copy.jpg")
    (copied / "red-disc" / "notes.txt").write_text("mine")
    remarks = _load(copied).remarks
    assert "warning: 1 pictures are copies of others" in remarks
    assert "1 files that are neither .png nor .jpg are left out" in remarks
