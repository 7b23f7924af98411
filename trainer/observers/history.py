"""Keeps what each epoch came to, in memory and as `history.json`."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from fluid.fields import FieldError, Fields
from trainer.errors import ResumeError
from trainer.observers.files import write_whole
from trainer.training.progress import EpochReport, SilentObserver
from trainer.training.snapshot import Snapshot

HISTORY_NAME = "history.json"

History = Sequence[EpochReport]


class HistoryWriter(SilentObserver):
    """Adds to `<folder>/history.json` after each epoch.

    The file is a JSON object whose `epochs` is a list of objects: `number`, `step`, `round`,
    `loss`, and `validation`, the accuracy in [0, 1] by sub-network.
    """

    def __init__(self, folder: Path, *, earlier: History = ()) -> None:
        """folder: must exist. earlier: the epochs of the training that is resumed."""
        self._path = folder / HISTORY_NAME
        self.epochs = list(earlier)

    def epoch_done(self, report: EpochReport, snapshot: Callable[[], Snapshot]) -> None:
        """Keep it. Raises `OSError`."""
        self.epochs.append(report)
        document = {"epochs": [_to_json(each) for each in self.epochs]}
        text = json.dumps(document, indent=1) + "\n"
        write_whole(self._path, lambda file: file.write(text.encode()))


def load_history(folder: Path, *, epochs: int | None = None) -> tuple[EpochReport, ...]:
    """What a `HistoryWriter` left in the folder, or its first so many epochs.

    A training that was killed may have written one epoch more than its checkpoint has. Raises
    `ResumeError` if there are fewer than asked for, or no readable history.
    """
    path = folder / HISTORY_NAME
    try:
        document = Fields(json.loads(path.read_bytes()))
        history = tuple(_from_json(each) for each in document.children("epochs"))
    except OSError as error:
        raise ResumeError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, FieldError) as error:
        raise ResumeError(f"{path}: is no history of a training ({error})") from error
    if epochs is not None and len(history) < epochs:
        raise ResumeError(f"{path}: has {len(history)} epochs, but the checkpoint is of {epochs}")
    return history[:epochs]


def _to_json(report: EpochReport) -> dict[str, object]:
    return {**asdict(report), "validation": dict(report.validation)}


def _from_json(fields: Fields) -> EpochReport:
    validation = fields.child("validation")
    return EpochReport(
        number=fields.integer("number"),
        step=fields.text("step"),
        round=fields.integer("round"),
        loss=fields.number("loss"),
        validation={name: validation.number(name) for name in validation.names()},
    )
