"""Ends a training that gets no better."""

from collections.abc import Callable

from trainer.observers.history import History
from trainer.training.progress import EpochReport, SilentObserver
from trainer.training.snapshot import Snapshot


class EarlyStopping(SilentObserver):
    """Stops when the worst sub-network has not got better for `patience` epochs.

    Only the last step of the plan is watched: those before it prepare it, and ending there would
    leave sub-networks untrained.
    """

    def __init__(self, *, patience: int, last_step: str, earlier: History = ()) -> None:
        """last_step: its name. earlier: the epochs of the training that is resumed."""
        self._patience = patience
        self._last_step = last_step
        self._round = 0
        self._best = 0.0
        self._epochs_since = 0
        for report in earlier:
            self._take(report)

    def epoch_done(self, report: EpochReport, snapshot: Callable[[], Snapshot]) -> None:
        """Compare it with the best so far."""
        self._take(report)

    def should_stop(self) -> bool:
        """Whether patience has run out."""
        return self._epochs_since >= self._patience

    def _take(self, report: EpochReport) -> None:
        if report.step != self._last_step or report.round != self._round:
            self._round, self._best, self._epochs_since = report.round, 0.0, 0
        if report.step != self._last_step:
            return
        if report.worst > self._best:
            self._best, self._epochs_since = report.worst, 0
        else:
            self._epochs_since += 1
