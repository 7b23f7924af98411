"""`fluid train` as a user runs it. One real training serves most of these tests."""

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from fluid.bundle import Bundle, load_bundle
from fluid.errors import BundleError
from trainer.cli import train
from trainer.data import load_dataset
from trainer.data.shapes import write_shapes
from trainer.errors import (
    BackboneNotFound,
    DependencyMissing,
    ExportError,
    QuantizationLoss,
    ResumeError,
)
from trainer.observers import EarlyStopping, HistoryWriter, load_history
from trainer.training.progress import EpochReport
from trainer.training.snapshot import Snapshot

# Few and small pictures, one slot and one width: what is tested is the command, not the network.
OPTIONS = [
    *("--image-size", "12", "--color", "grey", "--slots", "1", "--widths", "1"),
    *("--algorithm", "joint", "--epochs", "3", "--teacher-epochs", "1"),
    *("--batch-size", "32", "--seed", "5"),
]
# Three epochs teach it nothing to speak of, and on so few pictures each counts for a lot.
TOLERANT = ["--max-int8-drop", "100"]

# The package has the command under this name, so the module is to be had by looking it up.
MODULE = importlib.import_module("trainer.cli.train")


@dataclass(frozen=True, slots=True)
class Finished:
    """A training that went through."""

    result: Result
    output: Path

    @property
    def bundle(self) -> Bundle:
        return load_bundle(self.output)


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "shapes"
    write_shapes(folder, images_per_class=20, size_px=24)
    return folder


def _train(shapes: Path, output: Path, *options: str) -> Result:
    """As in a process of its own, where Keras names its first network as in any other."""
    from trainer.tensorflow_setup import keras  # noqa: PLC0415 - slow to import

    keras.utils.clear_session()
    arguments = ["--dataset", str(shapes), "--output", str(output), *OPTIONS, *TOLERANT, *options]
    return CliRunner().invoke(train, arguments)


@pytest.fixture(scope="module", autouse=True)
def _unsure_networks_are_exported() -> Iterator[None]:
    """Three epochs leave a network unsure of most pictures, and quantisation tips those."""
    from trainer.export import bundle_builder  # noqa: PLC0415 - imports TensorFlow

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle_builder, "MAX_TOP1_DROP", 1.0)
        yield


@pytest.fixture(scope="module")
def finished(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    output = tmp_path_factory.mktemp("trained") / "bundle"
    result = _train(shapes, output, "--json", "--tensorboard", str(output.parent / "logs"))
    assert result.exit_code == 0, (result.stderr, result.exception)
    return Finished(result, output)


def test_the_bundle_is_written_and_reported_as_json(finished: Finished) -> None:
    document = json.loads(finished.result.stdout)
    bundle = finished.bundle
    assert document["bundle"] == bundle.digest
    assert {
        name: (document["subnetworks"][name]["float"], document["subnetworks"][name]["int8"])
        for name in document["subnetworks"]
    } == {
        spec.name: (spec.float_accuracy, spec.int8_accuracy) for spec in bundle.manifest.subnetworks
    }


def test_a_folders_classes_and_form_are_in_the_bundle(finished: Finished) -> None:
    manifest = finished.bundle.manifest
    assert manifest.input.shape == (12, 12, 1)
    assert manifest.input.resize == "bilinear"
    assert manifest.classes[0] == "blue-cross"
    assert len(manifest.classes) == 10


def test_what_was_read_and_how_far_it_came_is_said_on_stderr(finished: Finished) -> None:
    assert "shapes: 140 pictures for training, 20 for validation, 40 for testing" in (
        finished.result.stderr
    )
    assert "validation: " in finished.result.stderr


def test_history_plots_and_logs_are_kept_and_the_checkpoint_is_not(finished: Finished) -> None:
    folder = finished.output / "training"
    assert sorted(path.name for path in folder.iterdir()) == [
        "accuracy.png",
        "confusion-matrix.png",
        "history.json",
        "learning-curves.png",
        "network.keras",
    ]
    with Image.open(folder / "learning-curves.png") as picture:
        assert picture.format == "PNG"
    assert list((finished.output.parent / "logs").glob("events.out.tfevents.*"))


def test_the_network_is_kept_as_a_keras_file(finished: Finished, shapes: Path) -> None:
    from trainer.data import PictureForm, load_dataset  # noqa: PLC0415
    from trainer.models import SlicedCNN  # noqa: PLC0415 - imports TensorFlow
    from trainer.tensorflow_setup import keras  # noqa: PLC0415

    network = keras.models.load_model(finished.output / "training" / "network.keras")
    assert isinstance(network, SlicedCNN)
    test = load_dataset(str(shapes), form=PictureForm((12, 12), 1)).test
    (spec,) = finished.bundle.manifest.subnetworks
    answers = network(test.images)[spec.name].numpy().argmax(axis=1)
    assert (answers == test.labels).mean() == pytest.approx(spec.float_accuracy)


def _documented_backbone() -> str:
    """The example that the documentation gives."""
    text = (Path(__file__).parents[4] / "docs" / "architectures.md").read_text()
    return text.partition("```python\n")[2].partition("```")[0]


def test_a_backbone_in_the_current_directory_is_trained(
    shapes: Path, current_directory: Path
) -> None:
    (current_directory / "mynet.py").write_text(_documented_backbone())
    output = current_directory / "bundle"
    result = _train(shapes, output, "--backbone", "mynet:block", "--channels", "8")
    assert result.exit_code == 0, result.exception
    manifest = load_bundle(output).manifest
    assert manifest.name == "shapes-block"
    assert manifest.training["architecture"] == "mynet:block"


def test_a_backbone_that_is_not_there_is_said_in_one_line(shapes: Path, tmp_path: Path) -> None:
    result = _train(shapes, tmp_path, "--backbone", "no_such_net:block")
    assert isinstance(result.exception, BackboneNotFound)
    assert "there is no module 'no_such_net'" in str(result.exception)


class _Interruption:
    """Ctrl-C at the end of an epoch, once it is in the history: before its checkpoint."""

    def __init__(self, after: int) -> None:
        self._after = after
        self._original = HistoryWriter.epoch_done

    def __call__(
        self, writer: HistoryWriter, report: EpochReport, snapshot: Callable[[], Snapshot]
    ) -> None:
        self._original(writer, report, snapshot)
        if report.number == self._after:
            raise KeyboardInterrupt


def _interrupt(monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    interruption = _Interruption(after)

    def epoch_done(writer: HistoryWriter, report: EpochReport, snapshot: Any) -> None:
        interruption(writer, report, snapshot)

    monkeypatch.setattr(HistoryWriter, "epoch_done", epoch_done)


def test_an_interrupted_training_says_how_to_go_on_and_ends_as_if_it_had_not_been(
    finished: Finished, shapes: Path, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        _interrupt(patch, after=len(load_history(finished.output / "training")) - 1)
        stopped = _train(shapes, tmp_path)
    assert stopped.exit_code == 130
    assert "interrupted; its last checkpoint is kept: the same command with --resume" in (
        stopped.stderr
    )
    with pytest.raises(BundleError, match="no such file"):
        load_bundle(tmp_path)

    resumed = _train(shapes, tmp_path, "--resume")
    assert resumed.exit_code == 0, resumed.exception
    assert load_bundle(tmp_path).digest == finished.bundle.digest
    assert load_history(tmp_path / "training") == load_history(finished.output / "training")


def test_an_interruption_before_any_checkpoint_says_so(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _interrupt(monkeypatch, after=1)
    stopped = _train(shapes, tmp_path)
    assert stopped.exit_code == 130
    assert "interrupted; there is no checkpoint yet" in stopped.stderr


def test_a_finished_training_cannot_be_resumed(finished: Finished, shapes: Path) -> None:
    result = _train(shapes, finished.output, "--resume")
    assert isinstance(result.exception, ResumeError)
    assert "no interrupted training to resume" in str(result.exception)
    assert finished.bundle.digest  # what it had made is still there


def test_patience_ends_training_early(
    finished: Finished, shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EarlyStopping, "should_stop", lambda _self: True)
    result = _train(shapes, tmp_path, "--patience", "1")
    assert result.exit_code == 0, result.exception
    planned = load_history(finished.output / "training")
    assert len(load_history(tmp_path / "training")) < len(planned)


def test_a_bundle_that_loses_too_much_in_int8_is_refused_and_can_be_had_after_all(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import trainer.pipeline  # noqa: PLC0415 - imports TensorFlow

    def refuse(*_arguments: object, max_int8_drop: float, **_options: object) -> None:
        raise QuantizationLoss(f"allowed: {max_int8_drop}")

    with monkeypatch.context() as patch:
        patch.setattr(trainer.pipeline, "build_bundle", refuse)
        result = _train(shapes, tmp_path, "--max-int8-drop", "0.25")
    assert isinstance(result.exception, QuantizationLoss)
    assert str(result.exception) == "allowed: 0.0025"
    with pytest.raises(BundleError, match="no such file"):
        load_bundle(tmp_path)
    assert _train(shapes, tmp_path, "--resume").exit_code == 0
    assert load_bundle(tmp_path).manifest.name


def test_an_output_that_cannot_be_written_is_found_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    output = tmp_path / "file" / "bundle"
    result = CliRunner().invoke(train, ["--dataset", "digits", "--output", str(output)])
    assert isinstance(result.exception, ExportError)
    assert str(result.exception) == f"{output}: cannot be written (Not a directory)"
    assert "training" not in result.stderr  # no progress bar was begun


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--image-size", "0"], "is no image size"),
        (["--algorithm", "incremental"], "family fluid is trained with"),
        (["--widths", "0.5,0.25"], "widths must grow"),
        (["--widths", "half"], "could not convert"),
        (["--augment", "wildly"], "'wildly' is not one of"),
        (["--architecture", "resnet"], "'resnet' is not one of"),
        (["--architecture", "ds-cnn", "--backbone", "mynet:block"], "no --architecture"),
        (["--backbone", "mynet.py"], "is no package.module:function"),
        (
            ["--architecture", "ds-cnn", "--family", "static"],
            "family static cuts each layer between its slots, which only the architecture cnn",
        ),
        (["--backbone", "mynet:block", "--family", "dynamic"], "only the architecture cnn"),
    ],
)
def test_what_does_not_go_together_is_a_usage_error(
    tmp_path: Path, options: list[str], complaint: str
) -> None:
    arguments = ["--dataset", "digits", "--output", str(tmp_path / "bundle"), *options]
    result = CliRunner().invoke(train, arguments)
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert not (tmp_path / "bundle").exists()


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
        "TensorFlow is not installed: pip install -c constraints.txt '.[trainer]' in the clone"
    )
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    "error", [ValueError("no\nfigure"), OSError(28, "No space"), RuntimeError("no font")]
)
def test_plots_that_cannot_be_drawn_are_a_line_on_stderr(
    finished: Finished,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
) -> None:
    def draw(*_arguments: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr("trainer.plots.draw_plots", draw)
    monkeypatch.setattr(MODULE, "load_history", lambda _folder: ())
    assert MODULE._draw_plots(tmp_path, finished.bundle, load_dataset("digits")) == ()
    assert capsys.readouterr().err == f"no plots: {' '.join(str(error).split())}\n"
