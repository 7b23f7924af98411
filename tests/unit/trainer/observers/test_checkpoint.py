import json
from pathlib import Path

import numpy as np
import pytest

from tests.unit.trainer.observers.reports import report, snapshot
from trainer.errors import ResumeError
from trainer.observers import (
    CheckpointWriter,
    discard_checkpoint,
    has_checkpoint,
    load_checkpoint,
)
from trainer.training.snapshot import Snapshot


def test_a_snapshot_comes_back_as_it_was(tmp_path: Path) -> None:
    CheckpointWriter(tmp_path).epoch_done(report(3), snapshot)
    written, read = snapshot(), load_checkpoint(tmp_path)
    assert (read.epochs_done, read.notes, read.fingerprint) == (3, written.notes, "of this plan")
    assert read.arrays.keys() == written.arrays.keys()
    for name, array in written.arrays.items():
        np.testing.assert_array_equal(read.arrays[name], array, strict=True)


def test_the_generator_goes_on_from_what_came_back(tmp_path: Path) -> None:
    CheckpointWriter(tmp_path).epoch_done(report(3), snapshot)
    generator = np.random.default_rng()
    generator.bit_generator.state = load_checkpoint(tmp_path).notes["generator"]
    assert generator.random() == np.random.default_rng(5).random()


def test_the_last_epoch_replaces_the_one_before_and_leaves_nothing_else(tmp_path: Path) -> None:
    writer = CheckpointWriter(tmp_path)
    for done in (1, 2):
        writer.epoch_done(report(done), lambda done=done: snapshot(done))  # type: ignore[misc] # binds the loop's value
    assert load_checkpoint(tmp_path).epochs_done == 2
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.npz"]


def test_a_writing_that_fails_half_way_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    writer = CheckpointWriter(tmp_path)
    writer.epoch_done(report(1), lambda: snapshot(1))
    unwritable = Snapshot(2, {"a/0": np.array([object()])}, {}, "")
    with pytest.raises(ValueError, match="allow_pickle"):
        writer.epoch_done(report(2), lambda: unwritable)
    assert load_checkpoint(tmp_path).epochs_done == 1


def test_no_checkpoint_is_nothing_to_resume(tmp_path: Path) -> None:
    assert not has_checkpoint(tmp_path)
    with pytest.raises(ResumeError, match=r"checkpoint\.npz: no such file"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b"something else"])
def test_foreign_bytes_are_no_checkpoint(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "checkpoint.npz").write_bytes(content)
    with pytest.raises(ResumeError, match="is no checkpoint; train without --resume"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    ("head", "complaint"),
    [
        ({}, "is no checkpoint"),
        ({"version": 0, "epochs_done": 1, "notes": {}, "fingerprint": ""}, "another version"),
    ],
)
def test_another_head_is_refused(tmp_path: Path, head: object, complaint: str) -> None:
    notes = np.frombuffer(json.dumps(head).encode(), dtype=np.uint8)
    np.savez(tmp_path / "checkpoint.npz", notes=notes)
    with pytest.raises(ResumeError, match=complaint):
        load_checkpoint(tmp_path)


def test_an_archive_without_notes_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "checkpoint.npz", a=np.zeros(3))
    with pytest.raises(ResumeError, match="is no checkpoint"):
        load_checkpoint(tmp_path)


def test_a_discarded_checkpoint_is_gone_and_discarding_none_is_fine(tmp_path: Path) -> None:
    CheckpointWriter(tmp_path).epoch_done(report(3), snapshot)
    discard_checkpoint(tmp_path)
    discard_checkpoint(tmp_path)
    assert not has_checkpoint(tmp_path)
