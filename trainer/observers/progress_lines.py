"""Says in a log how far training is: a line now and then, where there is no terminal for a bar."""

import time
from collections.abc import Callable

from rich.console import Console

from trainer.training.progress import EpochReport, SilentObserver
from trainer.training.snapshot import Snapshot


class ProgressLines(SilentObserver):
    """A line after the first epoch and after the last, and else one every so many seconds."""

    def __init__(
        self,
        console: Console,
        *,
        every_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._every_s = every_s
        self._clock = clock
        self._epochs = 0
        self._next_at = clock()

    def begin(self, epochs: int, *, done: int) -> None:
        """Know how many there are to be."""
        del done  # each report has its number
        self._epochs = epochs

    def epoch_done(self, report: EpochReport, snapshot: Callable[[], Snapshot]) -> None:
        """Say so, if it is time."""
        del snapshot
        now = self._clock()
        if now < self._next_at and report.number < self._epochs:
            return
        self._next_at = now + self._every_s
        self._console.print(
            f"training {report.step}: {report.number}/{self._epochs}, loss {report.loss:.3f}; "
            f"{accuracies_line(report)}",
            soft_wrap=True,
            highlight=False,
        )


def accuracies_line(report: EpochReport) -> str:
    """Every sub-network's accuracy on validation, in one line."""
    each = "  ".join(f"{name} {accuracy:.1%}" for name, accuracy in report.validation.items())
    return f"validation: {each}"
