"""Nested incremental training: runs the curriculum and keeps the best round."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer.data import Dataset
from trainer.data.augmentation import shifted
from trainer.models import SlicedCNN
from trainer.training.curriculum import Step, nested_rounds
from trainer.training.measure import FloatEvaluator
from trainer.training.progress import SilentObserver, TrainingObserver
from trainer.training.settings import TrainingSettings
from trainer.training.step_trainer import StepTrainer


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """best_round: 1-based; rounds + 1 is the consolidation. validation: accuracies, in [0, 1],
    by sub-network, of the weights that were kept."""

    best_round: int
    validation: dict[str, float]


def train_nested(
    network: SlicedCNN,
    dataset: Dataset,
    *,
    settings: TrainingSettings,
    observer: TrainingObserver | None = None,
) -> TrainingReport:
    """Train a built network in place, and leave it with the weights of its best round.

    Best is the round whose worst sub-network does best on the validation split; among equals,
    the best mean. Seed before the network is built, so that its first weights are covered too.
    """
    run = _Run(network, dataset, settings, observer or SilentObserver())
    rounds = nested_rounds(network.topology, settings)
    run.observer.begin(sum(step.epochs for steps in rounds for step in steps))
    candidates = (run.round(number, steps) for number, steps in enumerate(rounds, start=1))
    best = max(candidates, key=_Candidate.rank)
    network.set_weights(best.weights)
    return best.report


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """The network as a round left it."""

    report: TrainingReport
    weights: list[Any]

    def rank(self) -> tuple[float, float, int]:
        """Worst sub-network first, then their sum; a later round wins a tie."""
        accuracies = self.report.validation.values()
        return min(accuracies), sum(accuracies), self.report.best_round


class _Run:
    """What the steps of one training share: data, randomness, and the compiled loops."""

    def __init__(
        self,
        network: SlicedCNN,
        dataset: Dataset,
        settings: TrainingSettings,
        observer: TrainingObserver,
    ) -> None:
        self._evaluator = FloatEvaluator(network, dataset.validation)
        self._network = network
        self._images = dataset.train
        self._settings = settings
        self.observer = observer
        self._generator = np.random.default_rng(settings.seed)
        self._trainers: dict[Step, StepTrainer] = {}

    def round(self, number: int, steps: Sequence[Step]) -> _Candidate:
        """Train the steps of a round, and take its measure."""
        for step in steps:
            self._train_step(step)
        accuracies = self._evaluator.accuracies(self._network.topology.sub_networks())
        return _Candidate(TrainingReport(number, accuracies), self._network.get_weights())

    def _train_step(self, step: Step) -> None:
        trainer = self._trainer(step)
        trainer.start()
        for _ in range(step.epochs):
            order = self._generator.permutation(len(self._images))
            images = shifted(
                self._images.images[order],
                max_shift_px=self._settings.max_shift_px,
                generator=self._generator,
            )
            trainer.train_epoch(images, self._images.labels[order])
            accuracies = self._evaluator.accuracies(step.objectives)
            self.observer.epoch_done(step.name, min(accuracies.values()))

    def _trainer(self, step: Step) -> StepTrainer:
        if step not in self._trainers:
            batch_size = self._settings.batch_size
            self._trainers[step] = StepTrainer(
                self._network,
                step,
                batch_size=batch_size,
                batches=step.epochs * math.ceil(len(self._images) / batch_size),
                learning_rate=self._settings.learning_rate,
            )
        return self._trainers[step]
