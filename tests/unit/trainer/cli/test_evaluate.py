import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from fluid.bundle import Bundle, write_bundle
from fluid.errors import BundleError
from trainer.cli import evaluate
from trainer.data.shapes import write_shapes
from trainer.errors import DatasetError, UnknownDataset


def test_evaluate_reports_the_manifests_accuracies_as_json(
    bundle: Bundle, bundle_folder: Path
) -> None:
    result = CliRunner().invoke(
        evaluate, [str(bundle_folder), "--dataset", "digits", "--json"], catch_exceptions=False
    )
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout) == {
        "dataset": "digits",
        "split": "test",
        "images": 360,
        "subnetworks": {
            spec.name: {"accuracy": spec.int8_accuracy} for spec in bundle.manifest.subnetworks
        },
    }


def test_evaluate_prints_a_table_of_another_split(bundle_folder: Path) -> None:
    arguments = [str(bundle_folder), "--dataset", "digits", "--split", "validation"]
    result = CliRunner().invoke(evaluate, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert "180 images of digits (validation)" in " ".join(result.stdout.split())
    assert "upper50" in result.stdout


def test_a_folder_is_measured_in_the_form_that_the_bundle_takes(
    bundle: Bundle, tmp_path: Path
) -> None:
    pictures, folder = tmp_path / "shapes", tmp_path / "bundle"
    write_shapes(pictures, images_per_class=10)
    classes = tuple(sorted(path.name for path in pictures.iterdir()))
    write_bundle(folder, replace(bundle, manifest=replace(bundle.manifest, classes=classes)))
    arguments = [str(folder), "--dataset", str(pictures), "--json"]
    result = CliRunner().invoke(evaluate, arguments, catch_exceptions=False)
    document = json.loads(result.stdout)
    assert (document["dataset"], document["images"]) == ("shapes", 20)
    assert "pictures are taken as 8x8 grey: as asked for" in result.stderr


def test_a_data_set_of_other_classes_is_refused(bundle_folder: Path, tmp_path: Path) -> None:
    write_shapes(tmp_path / "shapes", images_per_class=10)
    arguments = [str(bundle_folder), "--dataset", str(tmp_path / "shapes")]
    result = CliRunner().invoke(evaluate, arguments)
    assert isinstance(result.exception, DatasetError)
    assert "knows the classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9; those of shapes are blue-cross" in str(
        result.exception
    )


def test_a_folder_without_a_bundle_is_named_in_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(evaluate, [str(tmp_path), "--dataset", "digits"])
    assert isinstance(result.exception, BundleError)
    assert str(result.exception).startswith(f"{tmp_path}/bundle.json: no such file")
    assert "\n" not in str(result.exception)


def test_a_data_set_of_another_shape_is_refused_in_one_line(
    bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLUID_DATA_DIR", str(tmp_path))
    images = np.zeros((5_001, 28, 28), dtype=np.uint8)
    labels = np.zeros(5_001, dtype=np.uint8)
    np.savez(tmp_path / "mnist.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    result = CliRunner().invoke(evaluate, [str(bundle_folder), "--dataset", "mnist"])
    assert isinstance(result.exception, DatasetError)
    assert str(result.exception) == (
        "mnist: its images are (28, 28, 1) (height, width, channels), not (8, 8, 1)"
    )


def test_an_unknown_data_set_is_named(bundle_folder: Path) -> None:
    result = CliRunner().invoke(evaluate, [str(bundle_folder), "--dataset", "cats"])
    assert isinstance(result.exception, UnknownDataset)
