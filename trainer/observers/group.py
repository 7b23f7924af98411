"""Several observers as one."""

from collections.abc import Callable, Sequence

from trainer.training.progress import EpochReport, TrainingObserver
from trainer.training.snapshot import Snapshot


class ObserverGroup:
    """Tells each of them, in the order given; any of them stops training."""

    def __init__(self, observers: Sequence[TrainingObserver]) -> None:
        self._observers = tuple(observers)

    def begin(self, epochs: int, *, done: int) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.begin(epochs, done=done)

    def epoch_done(self, report: EpochReport, snapshot: Callable[[], Snapshot]) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.epoch_done(report, snapshot)

    def should_stop(self) -> bool:
        """Whether any of them wants to."""
        return any(observer.should_stop() for observer in self._observers)
