"""How training says how far it is: a protocol, its silent form, and a terminal's progress bar."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


class TrainingObserver(Protocol):
    """Hears of each epoch."""

    def begin(self, epochs: int) -> None:
        """Training begins; it will take that many epochs in all."""

    def epoch_done(self, step: str, accuracy: float) -> None:
        """An epoch of a step is done; the accuracy is its sub-networks' worst, on validation."""


class SilentObserver:
    """Says nothing."""

    def begin(self, epochs: int) -> None:
        """Nothing to show."""

    def epoch_done(self, step: str, accuracy: float) -> None:
        """Nothing to show."""


class ProgressBar:
    """One bar for the whole run, showing the sub-network in training and its accuracy."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def begin(self, epochs: int) -> None:
        """Show an empty bar."""
        self._task = self._progress.add_task("training", total=epochs, accuracy="")

    def epoch_done(self, step: str, accuracy: float) -> None:
        """Move the bar on."""
        if self._task is None:
            raise RuntimeError("epoch_done before begin")
        self._progress.update(
            self._task, advance=1, description=step, accuracy=f"validation {accuracy:.1%}"
        )


@contextmanager
def progress_bar(console: Console) -> Iterator[ProgressBar]:
    """Show a progress bar while the block runs."""
    columns = (
        TextColumn("training {task.description:<8}"),
        BarColumn(),
        TextColumn("{task.fields[accuracy]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield ProgressBar(progress)
