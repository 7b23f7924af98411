"""`fluid dataset` writes what it was asked for."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fluid.bundle import Bundle
from trainer.data import load_dataset
from trainer.data.shapes import write_shapes
from trainer.dataset_cli import _WRITERS, dataset
from trainer.errors import DatasetError, ExportError


def test_a_split_is_written_with_its_labels(tmp_path: Path) -> None:
    file = tmp_path / "validation.npz"
    result = CliRunner().invoke(dataset, ["digits", "--split", "validation", "--output", str(file)])
    assert (result.exit_code, result.output) == (0, "")
    expected = load_dataset("digits").validation
    with np.load(file) as arrays:
        assert np.array_equal(arrays["images"], expected.images)
        assert np.array_equal(arrays["labels"], expected.labels)


def test_as_json_it_says_what_was_written(tmp_path: Path) -> None:
    expected = load_dataset("digits").test
    for options, name, labels in (
        ([], "test.npz", expected.labels),
        (["--image", "7"], "digit.png", expected.labels[7:8]),
    ):
        file = tmp_path / name
        result = CliRunner().invoke(dataset, ["digits", *options, "--output", str(file), "--json"])
        assert result.exit_code == 0
        assert json.loads(result.stdout) == {
            "output": str(file),
            "dataset": "digits",
            "split": "test",
            "images": len(labels),
            "shape": [8, 8, 1],
            "labels": labels.tolist(),
            "classes": list("0123456789"),
        }


def test_one_image_is_written_as_a_png(tmp_path: Path) -> None:
    file = tmp_path / "digit.png"
    result = CliRunner().invoke(dataset, ["digits", "--image", "7", "--output", str(file)])
    expected = load_dataset("digits").test
    assert result.output == f"{file}: an image of class {expected.labels[7]}\n"
    with Image.open(file) as image:
        assert image.format == "PNG"
        assert np.array_equal(np.asarray(image), expected.images[7, :, :, 0])


def test_one_image_is_written_as_an_array(tmp_path: Path) -> None:
    file = tmp_path / "digit.npy"
    result = CliRunner().invoke(dataset, ["digits", "--image", "7", "--output", str(file)])
    assert result.exit_code == 0
    array = np.load(file)
    assert array.dtype == np.uint8
    assert np.array_equal(array, load_dataset("digits").test.images[7])


def test_one_image_is_written_as_raw_pixels(tmp_path: Path) -> None:
    file = tmp_path / "digit.raw"
    result = CliRunner().invoke(dataset, ["digits", "--image", "7", "--output", str(file)])
    assert result.exit_code == 0
    assert file.read_bytes() == load_dataset("digits").test.images[7].tobytes()


@pytest.mark.parametrize(
    ("options", "name", "expected"),
    [
        (["--image", "7"], "digit.jpg", ".png or .npy or .raw"),
        (["--image", "7"], "digits.npz", ".png or .npy or .raw"),
        (["--image", "7"], "digit", ".png or .npy or .raw"),
        ([], "digits.npy", ".npz"),
    ],
)
def test_a_suffix_of_another_format_is_refused(
    tmp_path: Path, options: list[str], name: str, expected: str
) -> None:
    file = tmp_path / name
    result = CliRunner().invoke(dataset, ["digits", *options, "--output", str(file)])
    assert result.exit_code == 2
    assert f"{file} must end in {expected}" in result.stderr
    assert not list(tmp_path.iterdir())


def test_an_image_that_the_split_does_not_have_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        dataset, ["digits", "--image", "99999", "--output", str(tmp_path / "digit.png")]
    )
    assert isinstance(result.exception, DatasetError)
    assert "no image 99999" in str(result.exception)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_does_not_exist_is_not_made(tmp_path: Path) -> None:
    file = tmp_path / "new" / "validation.npz"
    result = CliRunner().invoke(dataset, ["digits", "--output", str(file)])
    assert result.exit_code == 2
    assert "there is no folder" in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_folder_is_written_in_the_form_that_is_asked_for(tmp_path: Path) -> None:
    write_shapes(tmp_path / "shapes", images_per_class=10)
    options = ["--image-size", "20x24", "--color", "grey", "--output", str(tmp_path / "a.npz")]
    result = CliRunner().invoke(dataset, [str(tmp_path / "shapes"), *options])
    assert result.exit_code == 0
    assert "shapes: pictures are taken as 20x24 grey: as asked for" in result.stderr
    with np.load(tmp_path / "a.npz") as arrays:
        assert arrays["images"].shape == (20, 20, 24, 1)


def test_images_can_be_had_as_a_bundle_takes_them(
    bundle: Bundle, bundle_folder: Path, tmp_path: Path
) -> None:
    options = ["--bundle", str(bundle_folder), "--output", str(tmp_path / "a.npz")]
    assert CliRunner().invoke(dataset, ["digits", *options]).exit_code == 0
    with np.load(tmp_path / "a.npz") as arrays:
        assert arrays["images"].shape[1:] == bundle.manifest.input.shape

    write_shapes(tmp_path / "shapes", images_per_class=10)
    refused = CliRunner().invoke(dataset, [str(tmp_path / "shapes"), *options])
    assert isinstance(refused.exception, DatasetError)
    assert "digits-cnn knows the classes 0, 1, 2" in str(refused.exception)


@pytest.mark.parametrize(
    ("options", "name"), [([], "all.npz"), *((["--image", "7"], f"a{s}") for s in _WRITERS)]
)
def test_a_file_that_cannot_be_written_is_named(
    tmp_path: Path, options: list[str], name: str
) -> None:
    file = tmp_path / name
    file.symlink_to(tmp_path / "absent" / name)
    result = CliRunner().invoke(dataset, ["digits", *options, "--output", str(file)])
    assert isinstance(result.exception, ExportError)
    assert str(result.exception) == f"{file}: cannot be written (No such file or directory)"
