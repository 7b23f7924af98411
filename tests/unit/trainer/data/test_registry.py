from pathlib import Path

import pytest

from trainer.data import AUGMENTATIONS, PictureForm, dataset_names, load_dataset
from trainer.data.shapes import write_shapes
from trainer.errors import DatasetError, UnknownDataset


def test_an_unknown_data_set_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownDataset, match="no data set and no folder 'cats': give one of digit"):
        load_dataset("cats")
    assert dataset_names() == ("digits", "fashion-mnist", "mnist")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownDataset, match="/cats: no such folder"):
        load_dataset(str(tmp_path / "cats"))


def test_a_name_goes_before_a_folder_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_shapes(tmp_path / "digits", images_per_class=10)
    monkeypatch.chdir(tmp_path)
    assert load_dataset("digits").image_shape == (8, 8, 1)
    assert load_dataset("./digits").image_shape == (48, 48, 3)


def test_a_named_data_set_is_not_scaled() -> None:
    assert load_dataset("digits", form=PictureForm((8, 8), 1)).image_shape == (8, 8, 1)
    with pytest.raises(DatasetError, match=r"digits: its images are \(8, 8, 1\)"):
        load_dataset("digits", form=PictureForm((16, 16)))


def test_the_augmentation_can_be_chosen() -> None:
    photos = AUGMENTATIONS["photos"]
    assert load_dataset("digits").augmentation == AUGMENTATIONS["shifts"]
    assert load_dataset("digits", augmentation=photos).augmentation == photos
