"""One briefly trained network for all tests that need one: training is what takes time.

TensorFlow is imported inside the function, so that tests that need no network do not wait for it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainer.data import Dataset
    from trainer.models import SlicedCNN
    from trainer.training.nested import TrainingReport


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A network that knows digits a little, and what training said."""

    network: "SlicedCNN"
    report: "TrainingReport"
    heard: list[tuple[str, float]]
    announced_epochs: int


class EpochRecorder:
    """An observer that keeps what it hears."""

    def __init__(self) -> None:
        self.announced_epochs = 0
        self.heard: list[tuple[str, float]] = []

    def begin(self, epochs: int) -> None:
        self.announced_epochs = epochs

    def epoch_done(self, step: str, accuracy: float) -> None:
        self.heard.append((step, accuracy))


def train_briefly(dataset: "Dataset") -> Trained:
    """Two slots of two widths, in a few epochs: far from accurate, but real."""
    from trainer.pipeline import build_network  # noqa: PLC0415 - imports TensorFlow, as the rest
    from trainer.tensorflow_setup import seed_everything  # noqa: PLC0415
    from trainer.topology import Topology  # noqa: PLC0415
    from trainer.training.nested import train_nested  # noqa: PLC0415
    from trainer.training.settings import TrainingSettings  # noqa: PLC0415

    settings = TrainingSettings(epochs=1, rounds=1, consolidation_factor=4)
    seed_everything(settings.seed)
    network = build_network(dataset, topology=Topology.of(2))
    recorder = EpochRecorder()
    report = train_nested(network, dataset, settings=settings, observer=recorder)
    return Trained(network, report, recorder.heard, recorder.announced_epochs)
