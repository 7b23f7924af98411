from pathlib import Path

import pytest

from tests.unit.trainer.observers.reports import no_snapshot, report
from trainer.errors import ExportError
from trainer.observers import TensorBoardLog


def test_scalars_are_written_by_epoch(tmp_path: Path) -> None:
    from trainer.tensorflow_setup import tf  # noqa: PLC0415 - slow to import; only needed here

    log = TensorBoardLog(tmp_path / "logs")
    log.epoch_done(report(1, {"100": 0.25}, step="teacher", in_round=0, loss=2.0), no_snapshot)
    log.epoch_done(report(2, loss=1.0), no_snapshot)
    (file,) = (tmp_path / "logs").iterdir()
    found = {}
    for record in tf.data.TFRecordDataset(str(file)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            assert value.metadata.plugin_data.plugin_name == "scalars"
            found[event.step, value.tag] = tf.make_ndarray(value.tensor).item()
    assert found == {
        (1, "loss"): 2.0,
        (1, "teacher/100"): 0.25,
        (2, "loss"): 1.0,
        (2, "validation/lower50"): 0.5,
        (2, "validation/100"): 0.75,
    }


def test_a_folder_that_cannot_be_written_is_found_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    folder = tmp_path / "file" / "logs"
    with pytest.raises(ExportError, match=r"logs: cannot be written \(Not a directory\)$"):
        TensorBoardLog(folder)
