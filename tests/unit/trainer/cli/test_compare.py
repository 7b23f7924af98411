"""`fluid compare` as a user runs it. One real comparison serves most of these tests."""

import importlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from trainer.cli import compare
from trainer.data.shapes import write_shapes
from trainer.errors import DependencyMissing, ExportError
from trainer.training.settings import TrainingSettings

# Few and small pictures, and as few passes as there are steps: what is tested is the command.
OPTIONS = ["--image-size", "12", "--color", "grey", "--seeds", "1"]
SETTINGS = TrainingSettings(epochs=7, teacher_epochs=1, batch_size=32)
# The package has the command under this name, so the module is to be had by looking it up.
MODULE = importlib.import_module("trainer.cli.compare")
NAMES = ("static", "dynamic", "fluid nested-incremental", "fluid joint")


@dataclass(frozen=True, slots=True)
class Finished:
    """A comparison that went through."""

    result: Result
    output: Path

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.output / "training.json").read_text())
        return document


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "shapes"
    write_shapes(folder, images_per_class=10, size_px=24)
    return folder


@pytest.fixture(scope="module", autouse=True)
def _brief_trainings_are_exported() -> Iterator[None]:
    """So brief a training leaves a network unsure of most pictures, and quantisation tips those."""
    from trainer.export import bundle_builder  # noqa: PLC0415 - imports TensorFlow

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle_builder, "MAX_TOP1_DROP", 1.0)
        patch.setattr(MODULE, "default_settings", lambda *_, **__: SETTINGS)
        yield


def _compare(shapes: Path, output: Path, *options: str) -> Result:
    arguments = ["--dataset", str(shapes), "--output", str(output), *OPTIONS, *options]
    return CliRunner().invoke(compare, arguments)


@pytest.fixture(scope="module")
def finished(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    output = tmp_path_factory.mktemp("compared") / "results"
    result = _compare(shapes, output)
    assert result.exit_code == 0, (result.stderr, result.exception)
    return Finished(result, output)


def test_every_contender_is_trained_for_equal_passes_at_equal_work(finished: Finished) -> None:
    results = finished.document["results"]
    assert tuple(each["contender"] for each in results) == NAMES
    assert {each["passes"] for each in results} == {8}
    work = [max(each["device_macs"].values()) for each in results]
    assert max(work) == work[0]
    assert min(work) > 0.85 * work[0]
    assert all(each["wall_s"] > 0 for each in results)


def test_every_sub_network_of_a_family_is_measured(finished: Finished) -> None:
    measured = {
        each["contender"]: (list(each["float_accuracy"]), list(each["int8_accuracy"]))
        for each in finished.document["results"]
    }
    lower, upper = ["lower25", "lower50", "75", "100"], ["upper25", "upper50"]
    assert measured == {
        "static": (["100"], ["100"]),
        "dynamic": (lower, lower),
        "fluid nested-incremental": ([*lower, *upper], [*lower, *upper]),
        "fluid joint": ([*lower, *upper], [*lower, *upper]),
    }


def test_report_plot_and_numbers_are_written(finished: Finished) -> None:
    report = (finished.output / "training.md").read_text()
    assert "shapes, 70 images for training" in report
    assert "| upper50 | - | - |" in report
    assert "1 are its own, 7 are theirs" in report
    with Image.open(finished.output / "training.png") as picture:
        assert picture.format == "PNG"
    for name in ("training.md", "training.png", "training.json"):
        assert f"written {finished.output / name}" in finished.result.stdout


def test_how_far_it_is_is_said_on_stderr(finished: Finished) -> None:
    for number, name in enumerate(NAMES, start=1):
        assert f"{number} of 4: {name}, seed 0\n" in finished.result.stderr
        assert f"\n{name}, seed 0: " in finished.result.stderr
    assert "8/8" in finished.result.stderr
    assert "validation: " in finished.result.stderr


def _forbid_training(monkeypatch: pytest.MonkeyPatch, *, error: BaseException) -> None:
    import trainer.comparison.training  # noqa: PLC0415 - imports TensorFlow

    def train(*_arguments: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr(trainer.comparison.training, "train_bundle", train)


def test_what_is_done_is_not_trained_again(
    finished: Finished, shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _forbid_training(monkeypatch, error=AssertionError("trained again"))
    result = _compare(shapes, tmp_path, "--work", str(finished.output / ".cache"), "--json")
    assert result.exit_code == 0, result.exception
    assert json.loads(result.stdout) == finished.document
    assert (tmp_path / "training.md").read_text() == (finished.output / "training.md").read_text()
    assert "4 of 4: fluid joint, seed 0: done in an earlier run" in result.stderr


def test_an_interrupted_comparison_says_how_to_go_on(
    finished: Finished, shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = finished.document
    _forbid_training(monkeypatch, error=KeyboardInterrupt())
    result = _compare(shapes, finished.output, "--seeds", "2")
    assert result.exit_code == 130
    assert "4 of 8: fluid joint, seed 0: done in an earlier run" in result.stderr
    assert "5 of 8: static, seed 1\n" in result.stderr
    assert result.stderr.endswith(
        f"interrupted; the same command goes on from the results in {finished.output / '.cache'}\n"
    )
    assert finished.document == before


def test_results_of_other_settings_are_not_taken(
    finished: Finished, shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(SETTINGS, batch_size=16)
    monkeypatch.setattr(MODULE, "default_settings", lambda *_, **__: other)
    _forbid_training(monkeypatch, error=KeyboardInterrupt())
    result = _compare(shapes, finished.output)
    assert result.exit_code == 130
    assert "done in an earlier run" not in result.stderr


def test_networks_that_cannot_be_exported_are_told_of(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _forbid_training(monkeypatch, error=ExportError("no such operator"))
    result = _compare(shapes, tmp_path, "--json")
    assert result.exit_code == 0, result.exception
    document = json.loads(result.stdout)
    assert document["results"] == []
    assert [each["reason"] for each in document["refusals"]] == ["no such operator"] * 4
    assert "- dynamic, seed 0: no such operator" in (tmp_path / "training.md").read_text()


def test_too_few_passes_are_a_usage_error(shapes: Path, tmp_path: Path) -> None:
    result = _compare(shapes, tmp_path / "results", "--epochs", "5")
    assert result.exit_code == 2
    assert "--epochs: 5 passes over the data are too few" in " ".join(result.stderr.split())
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("option", ["--output", "--work"])
def test_a_folder_that_cannot_be_written_is_found_before_training(
    shapes: Path, tmp_path: Path, option: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    folder = tmp_path / "file" / "results"
    result = _compare(shapes, tmp_path / "output", option, str(folder))
    assert isinstance(result.exception, ExportError)
    assert str(result.exception) == f"{folder}: cannot be written (Not a directory)"
    assert "1 of 4" not in result.stderr


@pytest.mark.parametrize(
    ("absent", "module", "package"),
    [
        ("tensorflow", "trainer.tensorflow_setup", "TensorFlow"),
        ("matplotlib.figure", "trainer.comparison.plot", "Matplotlib"),
    ],
)
def test_what_is_not_installed_is_named_before_anything_is_trained(
    shapes: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    absent: str,
    module: str,
    package: str,
) -> None:
    for name in (module, "trainer.comparison.training", "trainer.pipeline"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, absent, None)  # makes importing it fail
    result = _compare(shapes, tmp_path / "results")
    assert isinstance(result.exception, DependencyMissing)
    assert str(result.exception) == (
        f"{package} is not installed: pip install -c constraints.txt '.[trainer]' in the clone"
    )
    assert not (tmp_path / "results").exists()
