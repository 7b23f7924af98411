"""`fluid dataset` writes what it was asked for."""

from pathlib import Path

import numpy as np
from click.testing import CliRunner
from PIL import Image

from trainer.data import load_dataset
from trainer.dataset_cli import dataset
from trainer.errors import DatasetError


def test_a_split_is_written_with_its_labels(tmp_path: Path) -> None:
    file = tmp_path / "new" / "validation.npz"
    result = CliRunner().invoke(dataset, ["digits", "--split", "validation", "--output", str(file)])
    assert (result.exit_code, result.output) == (0, "")
    expected = load_dataset("digits").validation
    with np.load(file) as arrays:
        assert np.array_equal(arrays["images"], expected.images)
        assert np.array_equal(arrays["labels"], expected.labels)


def test_one_image_is_written_as_a_png(tmp_path: Path) -> None:
    file = tmp_path / "digit.png"
    result = CliRunner().invoke(dataset, ["digits", "--image", "7", "--output", str(file)])
    expected = load_dataset("digits").test
    assert result.output == f"{file}: an image of class {expected.labels[7]}\n"
    with Image.open(file) as image:
        assert image.format == "PNG"
        assert np.array_equal(np.asarray(image), expected.images[7, :, :, 0])


def test_an_image_that_the_split_does_not_have_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        dataset, ["digits", "--image", "99999", "--output", str(tmp_path / "digit.png")]
    )
    assert isinstance(result.exception, DatasetError)
    assert "no image 99999" in str(result.exception)
    assert not list(tmp_path.iterdir())
