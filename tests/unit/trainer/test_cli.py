import json
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from fluid.bundle import Bundle, load_bundle
from fluid.errors import BundleError
from trainer.cli import evaluate, train
from trainer.errors import DatasetError, DependencyMissing, ExportError
from trainer.training.settings import default_settings


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
        f"{bundle_folder}: takes images of (8, 8, 1), but those of mnist are (28, 28, 1)"
    )


def test_an_output_that_cannot_be_written_is_found_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    output = tmp_path / "file" / "bundle"
    result = CliRunner().invoke(train, ["--dataset", "digits", "--output", str(output)])
    assert isinstance(result.exception, ExportError)
    assert str(result.exception) == f"{output}: cannot be written (Not a directory)"
    assert "training" not in result.stderr  # no progress bar was begun


@pytest.mark.parametrize("command", [train, evaluate])
def test_an_unknown_data_set_is_a_usage_error(command: click.Command) -> None:
    result = CliRunner().invoke(command, ["--dataset", "cats"])
    assert result.exit_code == 2
    assert "'cats' is not one of 'digits', 'mnist'" in result.stderr


def test_help_shows_the_defaults_of_each_data_set() -> None:
    result = CliRunner().invoke(train, ["--help"], terminal_width=200)
    lines = {line.split()[0]: line for line in result.stdout.splitlines() if "--" in line}
    for option, setting in (("--epochs", "epochs"), ("--batch-size", "batch_size")):
        digits, mnist = (getattr(default_settings(name), setting) for name in ("digits", "mnist"))
        assert f"{digits} for digits, {mnist} for mnist" in lines[option]


def test_train_writes_a_bundle_and_reports_it_as_json(tmp_path: Path) -> None:
    output = tmp_path / "bundle"
    arguments = ["--dataset", "digits", "--output", str(output), "--epochs", "1"]
    arguments += ["--rounds", "1", "--seed", "5", "--batch-size", "256", "--json"]
    result = CliRunner().invoke(train, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    bundle = load_bundle(output)
    assert document["bundle"] == bundle.digest
    assert {
        name: (document["subnetworks"][name]["float"], document["subnetworks"][name]["int8"])
        for name in document["subnetworks"]
    } == {
        spec.name: (spec.float_accuracy, spec.int8_accuracy) for spec in bundle.manifest.subnetworks
    }
    provenance = bundle.manifest.training
    assert (provenance["seed"], provenance["epochs"], provenance["batch_size"]) == (5, 1, 256)
    assert provenance["interpreter"].split()[0] in ("ai-edge-litert", "tflite-runtime")


def test_train_says_what_to_install_where_tensorflow_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("trainer.pipeline", "trainer.tensorflow_setup"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # makes `import tensorflow` fail
    arguments = ["--dataset", "digits", "--output", str(tmp_path / "bundle")]
    result = CliRunner().invoke(train, arguments)
    assert isinstance(result.exception, DependencyMissing)
    assert str(result.exception) == (
        "TensorFlow is not installed: install fluid-edge with the 'trainer' extra"
    )
    assert not (tmp_path / "bundle").exists()
