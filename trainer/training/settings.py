"""How long and how fast to train. Importable without TensorFlow: the command line shows these."""

import math
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from trainer.topology import Family


class Algorithm(StrEnum):
    """How a network learns; the value is the name in a bundle's manifest."""

    NESTED_INCREMENTAL = "nested-incremental"
    JOINT = "joint"
    INCREMENTAL = "incremental"
    STATIC = "static"


# What each family can be trained with; the first is the default. A dynamic network is defined by
# its algorithm, and a static one has a single sub-network, so there is nothing to order.
ALGORITHMS = {
    Family.FLUID: (Algorithm.NESTED_INCREMENTAL, Algorithm.JOINT),
    Family.DYNAMIC: (Algorithm.INCREMENTAL,),
    Family.STATIC: (Algorithm.STATIC,),
}


def algorithm_for(family: Family, wanted: Algorithm | None = None) -> Algorithm:
    """The algorithm to train a family with; raises `ValueError` for one that does not fit it."""
    offered = ALGORITHMS[family]
    if wanted is None:
        return offered[0]
    if wanted not in offered:
        raise ValueError(f"family {family} is trained with {', '.join(offered)}, not {wanted}")
    return wanted


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """Everything that decides how a network learns, apart from its data and topology.

    epochs: passes over the training images in all, shared out over the steps of the algorithm (a
    step gets at least one); the teacher's come on top. rounds, growth_epochs: nested-incremental
    repeats its growth so many times, each step of it that many passes; what is left is the
    consolidation. teacher_epochs: passes that a dense network of the static family learns for,
    from which the fluid network is distilled; 0: it learns from its own widest sub-network.
    label_weight: the labels' share of the loss, in (0, 1], where there is a teacher; temperature
    softens the answers that are compared. learning_rate: Adam's, at the start of a step; it falls
    to nothing along a cosine.
    """

    epochs: int
    rounds: int = 1
    growth_epochs: int = 1
    teacher_epochs: int = 0
    label_weight: float = 0.3
    temperature: float = 2.0
    batch_size: int = 64
    learning_rate: float = 4e-3
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.epochs, self.rounds, self.growth_epochs, self.batch_size) < 1:
            raise ValueError("epochs, rounds, growth epochs and batch size must be at least 1")
        if self.teacher_epochs < 0:
            raise ValueError("teacher epochs must not be negative")
        if not 0 < self.label_weight <= 1 or self.temperature <= 0 or self.learning_rate <= 0:
            raise ValueError("label weight, temperature and learning rate must be positive")

    def with_epochs(self, epochs: int) -> "TrainingSettings":
        """The same with another number of passes, of which growth and teacher keep their share."""
        return replace(
            self,
            epochs=epochs,
            growth_epochs=max(1, self.growth_epochs * epochs // self.epochs),
            teacher_epochs=round(self.teacher_epochs * epochs / self.epochs),
        )

    def to_json(self) -> dict[str, Any]:
        """Every setting by its name."""
        return asdict(self)


_60_000_IMAGES = TrainingSettings(epochs=16, teacher_epochs=8, batch_size=128)
_BY_DATASET = {
    "digits": TrainingSettings(epochs=45, growth_epochs=3, teacher_epochs=15),
    "mnist": _60_000_IMAGES,
    "fashion-mnist": _60_000_IMAGES,
}
# Of a data set that nobody tuned: as many passes as show a network this many images in all.
_IMAGES_SEEN = 70_000
_FEWEST_EPOCHS, _MOST_EPOCHS = 24, 120


def default_settings(dataset: str, *, images: int) -> TrainingSettings:
    """The settings that a data set is trained with unless somebody says otherwise.

    images: how many it has for training. The fewer they are, the more passes are made over them:
    it is gradient steps that a network needs.
    """
    return _BY_DATASET.get(dataset) or _of_others(images)


def _of_others(images: int) -> TrainingSettings:
    epochs = min(max(math.ceil(_IMAGES_SEEN / images), _FEWEST_EPOCHS), _MOST_EPOCHS)
    return TrainingSettings(epochs, growth_epochs=epochs // 15, teacher_epochs=epochs // 3)


def described_defaults(setting: str) -> str:
    """A setting's default by data set, for `--help`."""
    values = {getattr(each, setting) for each in (*_BY_DATASET.values(), _of_others(1))}
    if len(values) == 1:
        return str(values.pop())
    by_dataset = [f"{getattr(each, setting)} for {name}" for name, each in _BY_DATASET.items()]
    many, few = (getattr(_of_others(images), setting) for images in (_IMAGES_SEEN, 1))
    others = f"{many}" if many == few else f"{many} to {few}, by the number of images,"
    return ", ".join([*by_dataset, f"{others} for others"])
