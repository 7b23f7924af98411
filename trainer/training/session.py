"""One training from beginning to end: runs the rounds of a curriculum and keeps the best.

Owns the order of things, and what is needed to go on after an interruption. What learns when is
in `curriculum`, how it learns in `step_trainer`.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.data import Dataset
from trainer.data.augmentation import NO_AUGMENTATION, Augmentation, augmented
from trainer.data.digest import images_digest
from trainer.errors import ResumeError, TrainingDiverged
from trainer.models import SlicedCNN, backbone_digest
from trainer.training.curriculum import Step, consolidation, curriculum
from trainer.training.measure import FloatEvaluator
from trainer.training.progress import EpochReport, SilentObserver, TrainingObserver
from trainer.training.settings import Algorithm, TrainingSettings
from trainer.training.snapshot import Snapshot
from trainer.training.step_trainer import StepTrainer, Teacher

_TEACHER_ROUND = 0


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What a training came to.

    best_round: 1-based; nested-incremental's last is the consolidation. validation: accuracies,
    in [0, 1], by sub-network, of the weights that were kept. epochs: passes over the training
    images, the teacher's among them; fewer than planned if it was stopped.
    """

    best_round: int
    validation: Mapping[str, float]
    epochs: int


def train(
    network: SlicedCNN,
    dataset: Dataset,
    *,
    settings: TrainingSettings,
    algorithm: Algorithm,
    teacher: SlicedCNN | None = None,
    observer: TrainingObserver | None = None,
    resume: Snapshot | None = None,
    keep_best_epoch: bool = False,
) -> TrainingReport:
    """Train a built network in place, and leave it with the weights of its best round.

    Best is the round whose worst sub-network does best on the validation split; among equals,
    the best mean. Seed before the network is built, so that its first weights are covered too.
    teacher: an untrained static network that learns first, for `settings.teacher_epochs` passes,
    and then teaches. resume: what an earlier training's observer was given; this one ends as that
    one would have. keep_best_epoch: of the last step the best epoch is kept, not the last: for
    trainings that an observer may end early. Raises `TrainingDiverged`, `ResumeError` if that was
    a training of another kind, and `ValueError` for a teacher that would never learn, or lessons
    without a teacher.
    """
    if (teacher is None) != (settings.teacher_epochs == 0):
        raise ValueError(f"{settings.teacher_epochs} lessons and teacher {teacher}")
    session = _Session(
        network, dataset, settings, algorithm, teacher=teacher, keep_best_epoch=keep_best_epoch
    )
    if resume is not None:
        session.restore(resume)
    return session.run(observer or SilentObserver())


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """The network as a round left it."""

    round: int
    validation: Mapping[str, float]
    weights: list[NDArray[np.generic]]

    def rank(self) -> tuple[float, float, int]:
        """Worst sub-network first, then their sum; a later round wins a tie."""
        accuracies = self.validation.values()
        return min(accuracies, default=0.0), sum(accuracies), self.round


@dataclass(frozen=True, slots=True)
class _Pass:
    """One epoch of the plan, number `index` of its step; the teacher's are of round 0."""

    round: int
    step: Step
    index: int
    ends_round: bool

    @property
    def owner(self) -> str:
        """Which network learns."""
        return "teacher" if self.round == _TEACHER_ROUND else "network"

    @property
    def ends_step(self) -> bool:
        return self.index == self.step.epochs - 1


class _Session:
    """What the passes of one training share: data, randomness, and the compiled loops."""

    def __init__(
        self,
        network: SlicedCNN,
        dataset: Dataset,
        settings: TrainingSettings,
        algorithm: Algorithm,
        *,
        teacher: SlicedCNN | None,
        keep_best_epoch: bool,
    ) -> None:
        self._networks = {"network": network}
        if teacher is not None:
            self._networks["teacher"] = teacher
        self._dataset = dataset
        self._settings = settings
        self._plan = tuple(self._passes(algorithm))
        self._keeps_best_epoch = keep_best_epoch
        self._fingerprint = _fingerprint(
            self._networks, dataset, settings, algorithm, keep_best_epoch=keep_best_epoch
        )
        self._generator = np.random.default_rng(settings.seed)
        self._trainers: dict[Step, StepTrainer] = {}
        self._evaluators = {
            owner: FloatEvaluator(each, each.topology.sub_networks())
            for owner, each in self._networks.items()
        }
        self._done = 0
        self._best = _Candidate(_TEACHER_ROUND, {}, network.get_weights())

    def run(self, observer: TrainingObserver) -> TrainingReport:
        """Go through what is left of the plan."""
        observer.begin(len(self._plan), done=self._done)
        while self._done < len(self._plan) and not self._is_stopped(observer):
            each = self._plan[self._done]
            report = self._train(each)
            if each.ends_round or self._may_be_kept(each):
                self._consider(each, report.validation)
            observer.epoch_done(report, self._snapshot)
            if self._is_stopped(observer):
                self._consider(each, report.validation)
        self._network.set_weights(self._best.weights)
        return TrainingReport(self._best.round, self._best.validation, self._done)

    def restore(self, snapshot: Snapshot) -> None:
        """Take over where another session was; raises `ResumeError` if it trained otherwise."""
        if snapshot.fingerprint != self._fingerprint:
            raise ResumeError(
                "the checkpoint is of a training with other data or settings: give the options and "
                "the pictures of that one, or leave out --resume to begin anew"
            )
        self._done = snapshot.epochs_done
        self._generator.bit_generator.state = snapshot.notes["generator"]
        for owner, network in self._networks.items():
            network.set_weights(_unpacked(snapshot.arrays, owner))
        best = snapshot.notes["best"]
        weights = _unpacked(snapshot.arrays, "best")
        self._best = _Candidate(best["round"], best["validation"], weights)
        last = self._plan[self._done - 1]
        if not last.ends_step:
            self._trainer(last).restore(_unpacked(snapshot.arrays, "optimizer"))

    def _is_stopped(self, observer: TrainingObserver) -> bool:
        """Asked before the first pass as well: a resumed training may have been at its end."""
        learnt = self._done > 0 and self._plan[self._done - 1].round != _TEACHER_ROUND
        return learnt and observer.should_stop()

    def _may_be_kept(self, each: _Pass) -> bool:
        last = self._plan[-1]
        return self._keeps_best_epoch and (each.round, each.step) == (last.round, last.step)

    @property
    def _network(self) -> SlicedCNN:
        return self._networks["network"]

    def _passes(self, algorithm: Algorithm) -> Iterator[_Pass]:
        rounds = curriculum(self._network.topology, algorithm, self._settings)
        numbered = list(enumerate(rounds, start=_TEACHER_ROUND + 1))
        if "teacher" in self._networks:
            topology = self._networks["teacher"].topology
            lesson = consolidation(topology, epochs=self._settings.teacher_epochs)
            numbered.insert(0, (_TEACHER_ROUND, (replace(lesson, name="teacher"),)))
        for number, steps in numbered:
            for step in steps:
                for index in range(step.epochs):
                    ends_round = step is steps[-1] and index == step.epochs - 1
                    yield _Pass(number, step, index, ends_round)

    def _train(self, each: _Pass) -> EpochReport:
        trainer = self._trainer(each)
        if each.index == 0:
            trainer.start()
        split = self._dataset.train
        order = self._generator.permutation(len(split))
        images = augmented(
            split.images[order], self._dataset.augmentation, generator=self._generator
        )
        loss = trainer.train_epoch(images, split.labels[order])
        if not math.isfinite(loss):
            raise TrainingDiverged(
                f"step {each.step.name}: the loss is no number any more; try another --seed, or "
                "more images"
            )
        self._done += 1
        validation = self._evaluators[each.owner].accuracies(self._dataset.validation)
        return EpochReport(self._done, each.step.name, each.round, loss, validation)

    def _trainer(self, each: _Pass) -> StepTrainer:
        """Compiled at a step's first epoch, and used again in each round."""
        if each.step not in self._trainers:
            self._trainers[each.step] = StepTrainer(
                self._networks[each.owner],
                each.step,
                settings=self._settings,
                images=len(self._dataset.train),
                teacher=None if each.owner == "teacher" else self._teacher(),
            )
        return self._trainers[each.step]

    def _teacher(self) -> Teacher | None:
        if "teacher" not in self._networks:
            return None
        network = self._networks["teacher"]
        widest = network.topology.widest()
        return lambda images: network.logits(images, [widest])[widest.name]

    def _consider(self, each: _Pass, validation: Mapping[str, float]) -> None:
        if each.round == _TEACHER_ROUND:
            return
        candidate = _Candidate(each.round, validation, self._network.get_weights())
        self._best = max(self._best, candidate, key=_Candidate.rank)

    def _snapshot(self) -> Snapshot:
        arrays = _packed("best", self._best.weights)
        for owner, network in self._networks.items():
            arrays |= _packed(owner, network.get_weights())
        last = self._plan[self._done - 1]
        if not last.ends_step:
            arrays |= _packed("optimizer", self._trainers[last.step].state())
        notes = {
            "generator": self._generator.bit_generator.state,
            "best": {"round": self._best.round, "validation": dict(self._best.validation)},
        }
        return Snapshot(self._done, arrays, notes, self._fingerprint)


def _fingerprint(
    networks: Mapping[str, SlicedCNN],
    dataset: Dataset,
    settings: TrainingSettings,
    algorithm: Algorithm,
    *,
    keep_best_epoch: bool,
) -> str:
    plan = {
        "dataset": [dataset.name, dataset.classes, images_digest(dataset)],
        "augmentation": _variations(dataset.augmentation),
        "networks": {owner: _described(network) for owner, network in networks.items()},
        "algorithm": algorithm,
        "settings": settings.to_json(),
        "keep_best_epoch": keep_best_epoch,
    }
    return hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()


def _described(network: SlicedCNN) -> dict[str, Any]:
    """What makes a network another one; not its layers' names, which Keras counts up."""
    return {
        "architecture": network.architecture,
        "image_shape": network.image_shape,
        "topology": asdict(network.topology),
        "slot_channels": network.slot_channels,
        # A user may have changed the function that builds the blocks.
        "source": backbone_digest(network.architecture),
        "weights": [list(weight.shape) for weight in network.weights],
    }


def _variations(augmentation: Augmentation) -> dict[str, Any]:
    """The ways in which images are varied; those that are left out change nothing."""
    neutral = asdict(NO_AUGMENTATION)
    varied = {name: how for name, how in asdict(augmentation).items() if how != neutral[name]}
    if not (augmentation.max_shift or augmentation.max_zoom):
        varied.pop("black_border", None)  # nothing comes in there
    return varied


def _packed(owner: str, arrays: Sequence[NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
    return {f"{owner}/{number}": array for number, array in enumerate(arrays)}


def _unpacked(arrays: Mapping[str, NDArray[np.generic]], owner: str) -> list[NDArray[np.generic]]:
    count = sum(name.startswith(f"{owner}/") for name in arrays)
    return [arrays[f"{owner}/{number}"] for number in range(count)]
