"""How long and how fast to train. Importable without TensorFlow: the command line shows these."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """epochs: passes over the training images in each step of a round. rounds: how often the
    incremental and the alone pass are repeated. consolidation_factor: so many times `epochs` for
    the consolidation, in which all sub-networks learn at once. learning_rate: Adam's, at the
    start of a step; it falls to nothing along a cosine. max_shift_px: how far augmentation moves
    an image.
    """

    epochs: int
    rounds: int = 2
    consolidation_factor: int = 5
    batch_size: int = 64
    learning_rate: float = 4e-3
    max_shift_px: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.epochs, self.rounds, self.consolidation_factor, self.batch_size) < 1:
            raise ValueError("epochs, rounds, consolidation and batch size must be at least 1")

    @property
    def consolidation_epochs(self) -> int:
        """Passes over the training images in the consolidation."""
        return self.epochs * self.consolidation_factor


_BY_DATASET = {
    "digits": TrainingSettings(epochs=8),
    "mnist": TrainingSettings(epochs=1, batch_size=128, max_shift_px=2),
}
_FOR_ANY_OTHER = TrainingSettings(epochs=8)


def default_settings(dataset: str) -> TrainingSettings:
    """The settings that a data set is trained with unless somebody says otherwise."""
    return _BY_DATASET.get(dataset, _FOR_ANY_OTHER)
