"""Shows on a terminal how far training is, and how well each sub-network does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from trainer.observers.progress_lines import ProgressLines, accuracies_line
from trainer.training.progress import EpochReport, SilentObserver, TrainingObserver
from trainer.training.snapshot import Snapshot


class ProgressBar(SilentObserver):
    """One bar for the whole run, and below it the sub-networks' accuracies on validation."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._progress = Progress(
            TextColumn("training {task.description:<8}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[loss]}"),
            TimeRemainingColumn(),
            console=live.console,
        )
        self._task = self._progress.add_task("", total=None, loss="")

    def begin(self, epochs: int, *, done: int) -> None:
        """Show a bar, empty or as far as an earlier run came."""
        self._progress.update(self._task, total=epochs, completed=done)
        self._live.update(self._progress)

    def epoch_done(self, report: EpochReport, snapshot: Callable[[], Snapshot]) -> None:
        """Move the bar on."""
        self._progress.update(
            self._task, advance=1, description=report.step, loss=f"loss {report.loss:.3f}"
        )
        self._live.update(Group(self._progress, Text(accuracies_line(report))))


@contextmanager
def progress_bar(console: Console) -> Iterator[TrainingObserver]:
    """Show a progress bar while the block runs; where there is no terminal, a line now and then."""
    if not console.is_terminal:
        yield ProgressLines(console)
        return
    with Live(console=console, refresh_per_second=4) as live:
        yield ProgressBar(live)
