"""How long a training takes, without the export that follows it."""

from collections.abc import Callable

from trainer.training.progress import EpochReport, SilentObserver
from trainer.training.snapshot import Snapshot

Clock = Callable[[], float]
"""Seconds since whenever; never goes back."""


class Stopwatch(SilentObserver):
    """Measures from when it is made to the end of the last epoch that it hears of."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._begun_s = clock()
        self.elapsed_s = 0.0

    def epoch_done(
        self,
        report: EpochReport,  # noqa: ARG002 -- the protocol's signature
        snapshot: Callable[[], Snapshot],  # noqa: ARG002 -- the protocol's signature
    ) -> None:
        """Training lasted until now, at least."""
        self.elapsed_s = self._clock() - self._begun_s
