"""How training says how far it is, and hears that it should stop: a protocol and its silent form.

An observer may keep what it is given; it must not change the network.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from trainer.training.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class EpochReport:
    """One pass over the training images, as it ended.

    number: 1-based, counted over the whole run. step: what learnt, such as "lower25", "all" or
    "teacher". round: 1-based; the teacher's is 0. loss: mean over the pass. validation: accuracy
    on the validation split, in [0, 1], of every sub-network of the network that learnt, by name.
    """

    number: int
    step: str
    round: int
    loss: float
    validation: Mapping[str, float]

    @property
    def worst(self) -> float:
        """The accuracy of the worst sub-network."""
        return min(self.validation.values())


class TrainingObserver(Protocol):
    """Hears of each epoch, and may end training early."""

    def begin(self, epochs: int, *, done: int) -> None:
        """Training begins; it takes that many epochs in all, `done` of them in an earlier run."""

    def epoch_done(self, report: EpochReport, snapshot: Callable[[], Snapshot]) -> None:
        """An epoch is done. `snapshot()` copies all that is needed to go on from here later; it is
        valid during this call only."""

    def should_stop(self) -> bool:
        """Asked after each epoch but a teacher's: True ends training here, and the network is left
        as it is now, or as the best round before left it."""


class SilentObserver:
    """Says nothing and never stops."""

    def begin(self, epochs: int, *, done: int) -> None:
        """Nothing to show."""

    def epoch_done(self, report: EpochReport, snapshot: Callable[[], Snapshot]) -> None:
        """Nothing to show."""

    def should_stop(self) -> bool:
        """Go on."""
        return False
