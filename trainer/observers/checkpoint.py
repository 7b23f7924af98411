"""Keeps a training's last snapshot in a file, and reads it back."""

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from trainer.errors import ResumeError
from trainer.observers.files import write_whole
from trainer.training.progress import EpochReport, SilentObserver
from trainer.training.snapshot import Snapshot

CHECKPOINT_NAME = "checkpoint.npz"
_NOTES = "notes"  # beside the arrays, which all have a slash in their names
_WRITERS_VERSION = 1


class CheckpointWriter(SilentObserver):
    """Writes `<folder>/checkpoint.npz` after each epoch, in place of the one before."""

    def __init__(self, folder: Path) -> None:
        """folder: must exist."""
        self._path = folder / CHECKPOINT_NAME

    def epoch_done(self, report: EpochReport, snapshot: Callable[[], Snapshot]) -> None:
        """Keep where training is now. Raises `OSError`."""
        taken = snapshot()
        write_whole(self._path, lambda file: _write(taken, file))


@dataclass(frozen=True, slots=True)
class _Head:
    """What is not an array, as JSON."""

    version: int
    epochs_done: int
    notes: dict[str, object]
    fingerprint: str


def load_checkpoint(folder: Path) -> Snapshot:
    """What a `CheckpointWriter` left in the folder; raises `ResumeError` if that is nothing."""
    path = folder / CHECKPOINT_NAME
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files if name != _NOTES}
            head = _Head(**json.loads(archive[_NOTES].tobytes()))
    except FileNotFoundError as error:
        raise ResumeError(
            f"{path}: no such file, so there is no interrupted training to resume"
        ) from error
    except OSError as error:
        raise ResumeError(f"{path}: cannot be read ({error.strerror})") from error
    # What foreign bytes raise: no archive, no such member, no JSON, other fields.
    except (ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise ResumeError(f"{path}: is no checkpoint; train without --resume") from error
    if head.version != _WRITERS_VERSION:
        raise ResumeError(f"{path}: was written by another version of Fluid; train anew")
    return Snapshot(head.epochs_done, arrays, head.notes, head.fingerprint)


def has_checkpoint(folder: Path) -> bool:
    """Whether a training of this folder was begun and did not end."""
    return (folder / CHECKPOINT_NAME).exists()


def discard_checkpoint(folder: Path) -> None:
    """Remove the checkpoint, if there is one. Raises `OSError`."""
    (folder / CHECKPOINT_NAME).unlink(missing_ok=True)


def _write(snapshot: Snapshot, file: IO[bytes]) -> None:
    head = {
        "version": _WRITERS_VERSION,
        "epochs_done": snapshot.epochs_done,
        "notes": dict(snapshot.notes),
        "fingerprint": snapshot.fingerprint,
    }
    encoded = np.frombuffer(json.dumps(head).encode(), dtype=np.uint8)
    np.savez(file, allow_pickle=False, **{_NOTES: encoded, **snapshot.arrays})
