import json
from pathlib import Path

import pytest

from tests.unit.trainer.observers.reports import no_snapshot, report
from trainer.errors import ResumeError
from trainer.observers import HistoryWriter, load_history


def _write(folder: Path, epochs: int) -> None:
    writer = HistoryWriter(folder)
    for number in range(1, epochs + 1):
        writer.epoch_done(report(number), no_snapshot)


def test_history_is_plain_json(tmp_path: Path) -> None:
    _write(tmp_path, 1)
    assert json.loads((tmp_path / "history.json").read_text()) == {
        "epochs": [
            {
                "number": 1,
                "step": "all",
                "round": 1,
                "loss": 0.5,
                "validation": {"lower50": 0.5, "100": 0.75},
            }
        ]
    }


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    _write(tmp_path, 3)
    assert load_history(tmp_path) == tuple(report(number) for number in (1, 2, 3))


def test_an_epoch_that_the_checkpoint_has_not_is_dropped(tmp_path: Path) -> None:
    _write(tmp_path, 3)
    assert len(load_history(tmp_path, epochs=2)) == 2


def test_a_resumed_training_adds_to_its_history(tmp_path: Path) -> None:
    _write(tmp_path, 2)
    earlier = load_history(tmp_path, epochs=1)
    HistoryWriter(tmp_path, earlier=earlier).epoch_done(report(2, loss=0.25), no_snapshot)
    assert load_history(tmp_path) == (report(1), report(2, loss=0.25))


def test_a_history_that_is_shorter_than_the_checkpoint_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, 1)
    with pytest.raises(ResumeError, match="has 1 epochs, but the checkpoint is of 2"):
        load_history(tmp_path, epochs=2)


@pytest.mark.parametrize("content", ["", "{}", '{"epochs": [{"number": "one"}]}'])
def test_a_file_that_is_no_history_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "history.json").write_text(content)
    with pytest.raises(ResumeError, match="is no history of a training"):
        load_history(tmp_path)


def test_a_missing_history_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResumeError, match=r"history\.json: cannot be read \(No such file"):
        load_history(tmp_path)
