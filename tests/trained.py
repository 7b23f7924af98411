"""Briefly trained networks for all tests that need one: training is what takes time.

TensorFlow is imported inside the functions, so that tests that need no network do not wait for it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainer.data import Dataset
    from trainer.models import SlicedCNN
    from trainer.pipeline import TrainingResult
    from trainer.topology import Topology
    from trainer.training.progress import EpochReport
    from trainer.training.session import TrainingReport
    from trainer.training.snapshot import Snapshot


# A topology's briefly trained network and bundle; see the fixture `trained_family`.
TrainedFamily = Callable[["Topology"], "TrainingResult"]


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A network that knows digits a little, its bundle, and what training said."""

    result: "TrainingResult"
    heard: "list[EpochReport]"
    announced_epochs: int

    @property
    def network(self) -> "SlicedCNN":
        return self.result.network

    @property
    def report(self) -> "TrainingReport":
        return self.result.report


@dataclass(slots=True)
class EpochRecorder:
    """An observer that keeps what it hears, and may stop after so many epochs.

    snapshots: by the number of the epoch that they were taken after.
    """

    stop_after: int | None = None
    announced: tuple[int, int] = (0, 0)
    heard: "list[EpochReport]" = field(default_factory=list)
    snapshots: "dict[int, Snapshot]" = field(default_factory=dict)

    def begin(self, epochs: int, *, done: int) -> None:
        self.announced = (epochs, done)

    def epoch_done(self, report: "EpochReport", snapshot: "Callable[[], Snapshot]") -> None:
        self.heard.append(report)
        self.snapshots[report.number] = snapshot()

    def should_stop(self) -> bool:
        return len(self.heard) == self.stop_after


def train_briefly(dataset: "Dataset") -> Trained:
    """Two slots of two widths, nested incrementally, in a few epochs: not good, but real."""
    from trainer.pipeline import train_bundle  # noqa: PLC0415 - imports TensorFlow
    from trainer.training.settings import TrainingSettings  # noqa: PLC0415

    recorder = EpochRecorder()
    settings = TrainingSettings(epochs=10)
    result = train_bundle(dataset, settings=settings, observer=recorder, max_int8_drop=0.02)
    return Trained(result, recorder.heard, recorder.announced[0])


def train_family_briefly(dataset: "Dataset", topology: "Topology") -> "TrainingResult":
    """Any topology, from data set to bundle, with the quickest algorithm of its family."""
    from trainer.pipeline import train_bundle  # noqa: PLC0415 - imports TensorFlow
    from trainer.training.settings import ALGORITHMS, TrainingSettings  # noqa: PLC0415

    return train_bundle(
        dataset,
        settings=TrainingSettings(epochs=8, batch_size=32),
        topology=topology,
        algorithm=ALGORITHMS[topology.family][-1],
        max_int8_drop=0.05,
    )
