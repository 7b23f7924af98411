import json
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.trained import EpochRecorder, Trained
from tests.unit.trainer.models.backbones import PLAIN
from trainer.data import Dataset
from trainer.data.augmentation import Augmentation
from trainer.errors import ResumeError, TrainingDiverged
from trainer.pipeline import build_network
from trainer.tensorflow_setup import seed_everything
from trainer.topology import Family, Topology
from trainer.training.measure import FloatEvaluator
from trainer.training.session import TrainingReport, train
from trainer.training.settings import Algorithm, TrainingSettings
from trainer.training.snapshot import Snapshot

_SETTINGS = TrainingSettings(epochs=3, teacher_epochs=2, batch_size=256)
_ONE_SLOT = Topology.of(1)


@dataclass(frozen=True, slots=True, eq=False)
class _Story:
    """A joint training of one slot of two widths, with a teacher, on few digits."""

    weights: list[NDArray[np.generic]]
    report: TrainingReport
    heard: EpochRecorder


@pytest.fixture(scope="module")
def few_digits(digits: Dataset) -> Dataset:
    return replace(digits, train=digits.train.take(np.arange(512)))


@pytest.fixture(scope="module")
def through(few_digits: Dataset) -> _Story:
    """Nobody interrupted it."""
    return _train(few_digits, EpochRecorder())


def _train(
    dataset: Dataset,
    recorder: EpochRecorder,
    *,
    settings: TrainingSettings = _SETTINGS,
    resume: Snapshot | None = None,
    architecture: str = "cnn",
    keep_best_epoch: bool = False,
) -> _Story:
    seed_everything(settings.seed)
    build = partial(build_network, dataset, static_channels=8, architecture=architecture)
    network = build(topology=_ONE_SLOT)
    static = Topology.of(1, family=Family.STATIC)
    report = train(
        network,
        dataset,
        settings=settings,
        algorithm=Algorithm.JOINT,
        teacher=build(topology=static),
        observer=recorder,
        resume=resume,
        keep_best_epoch=keep_best_epoch,
    )
    return _Story(network.get_weights(), report, recorder)


def test_a_brief_training_learns_something_in_every_sub_network(
    trained: Trained, digits: Dataset
) -> None:
    evaluator = FloatEvaluator(trained.network, trained.network.topology.sub_networks())
    accuracies = evaluator.accuracies(digits.test)
    assert set(accuracies) == {"lower25", "lower50", "75", "100", "upper25", "upper50"}
    assert min(accuracies.values()) > 0.5  # chance is 0.1


def test_the_network_is_left_with_the_weights_that_the_report_is_about(
    trained: Trained, digits: Dataset
) -> None:
    evaluator = FloatEvaluator(trained.network, trained.network.topology.sub_networks())
    assert evaluator.accuracies(digits.validation) == trained.report.validation
    assert trained.report.best_round in (1, 2)


def test_the_observer_hears_each_announced_epoch(trained: Trained) -> None:
    assert [(report.round, report.step) for report in trained.heard] == [
        *((1, step) for step in ("lower25", "lower50", "75", "100", "upper25", "upper50")),
        *[(2, "all")] * 4,
    ]
    assert [report.number for report in trained.heard] == list(range(1, 11))
    assert trained.announced_epochs == trained.report.epochs == 10


def test_every_report_has_a_loss_and_the_accuracy_of_every_sub_network(trained: Trained) -> None:
    names = {spec.name for spec in trained.network.topology.sub_networks()}
    for report in trained.heard:
        assert report.loss > 0
        assert report.validation.keys() == names
        assert report.worst == min(report.validation.values())


def test_a_teacher_learns_first(through: _Story) -> None:
    heard = through.heard.heard
    assert [(report.round, report.step) for report in heard] == [
        *[(0, "teacher")] * 2,
        *[(1, "all")] * 3,
    ]
    assert set(heard[0].validation) == {"100"}
    assert set(heard[-1].validation) == {"whole50", "whole100"}


# After the teacher's first epoch; in the middle of the only step; and after the last epoch.
@pytest.mark.parametrize("epoch", [1, 4, 5])
def test_a_resumed_training_ends_as_the_one_that_went_through(
    through: _Story, few_digits: Dataset, epoch: int
) -> None:
    taken = through.heard.snapshots[epoch]
    stored = replace(taken, notes=json.loads(json.dumps(taken.notes)))
    resumed = _train(few_digits, EpochRecorder(), resume=stored)
    assert resumed.heard.announced == (5, epoch)
    assert [each.number for each in resumed.heard.heard] == list(range(epoch + 1, 6))
    assert resumed.report == through.report
    for one, another in zip(through.weights, resumed.weights, strict=True):
        np.testing.assert_array_equal(another, one)


def test_other_settings_cannot_go_on_from_a_snapshot(through: _Story, few_digits: Dataset) -> None:
    other = replace(_SETTINGS, learning_rate=1e-3)
    with pytest.raises(ResumeError, match="other data or settings"):
        _train(few_digits, EpochRecorder(), settings=other, resume=through.heard.snapshots[1])


def test_another_architecture_cannot_go_on_from_a_snapshot(
    through: _Story, few_digits: Dataset
) -> None:
    with pytest.raises(ResumeError, match="other data or settings"):
        _train(
            few_digits, EpochRecorder(), resume=through.heard.snapshots[1], architecture="ds-cnn"
        )


def test_what_keras_calls_its_layers_does_not_matter(few_digits: Dataset) -> None:
    """It counts them up in a process, so a network that is built again has other names."""
    recorder = EpochRecorder(stop_after=3)
    first = _train(few_digits, recorder, architecture=PLAIN)
    taken = recorder.snapshots[2]
    again = _train(few_digits, EpochRecorder(stop_after=1), resume=taken, architecture=PLAIN)
    assert again.report.epochs == first.report.epochs
    for one, another in zip(first.weights, again.weights, strict=True):
        np.testing.assert_array_equal(another, one)


@pytest.mark.parametrize(
    ("augmentation", "goes_on"),
    [
        (Augmentation(max_shift=2 / 28, black_border=True), True),
        (Augmentation(max_shift=2 / 28, black_border=False), False),
        (Augmentation(max_shift=2 / 28, black_border=True, mirrored=True), False),
    ],
)
def test_other_variations_of_the_images_cannot_go_on_from_a_snapshot(
    through: _Story, few_digits: Dataset, augmentation: Augmentation, *, goes_on: bool
) -> None:
    dataset = replace(few_digits, augmentation=augmentation)
    taken = through.heard.snapshots[5]
    if goes_on:
        assert _train(dataset, EpochRecorder(), resume=taken).report == through.report
        return
    with pytest.raises(ResumeError, match="other data or settings"):
        _train(dataset, EpochRecorder(), resume=taken)


def test_the_border_does_not_matter_where_nothing_moves(few_digits: Dataset) -> None:
    still = replace(few_digits, augmentation=Augmentation())
    recorder = EpochRecorder(stop_after=3)
    _train(still, recorder)
    black = replace(few_digits, augmentation=Augmentation(black_border=True))
    resumed = _train(black, EpochRecorder(stop_after=1), resume=recorder.snapshots[2])
    assert resumed.report.epochs == 3


def test_an_observer_may_end_training_early(through: _Story, few_digits: Dataset) -> None:
    story = _train(few_digits, EpochRecorder(stop_after=3))
    assert (story.report.epochs, story.report.best_round, len(story.heard.heard)) == (3, 1, 3)
    # And what it had learnt by then is what is left, to the bit.
    assert story.report.validation == through.heard.heard[2].validation


def test_the_best_epoch_of_the_last_step_is_kept_if_asked_for(few_digits: Dataset) -> None:
    # Learning so fast that the first epochs are not the best, and the last ones may not be.
    restless = replace(_SETTINGS, epochs=6, learning_rate=0.1)
    story = _train(few_digits, EpochRecorder(), settings=restless, keep_best_epoch=True)
    learnt = [each for each in story.heard.heard if each.round > 0]
    best = max(learnt, key=lambda each: (each.worst, sum(each.validation.values())))
    assert story.report.validation == best.validation


def test_a_training_that_was_stopped_is_at_its_end_when_it_is_resumed(few_digits: Dataset) -> None:
    recorder = EpochRecorder(stop_after=4)
    stopped = _train(few_digits, recorder, keep_best_epoch=True)
    resumed = _train(
        few_digits, EpochRecorder(stop_after=0), resume=recorder.snapshots[4], keep_best_epoch=True
    )
    assert not resumed.heard.heard
    assert resumed.report == stopped.report
    for one, another in zip(stopped.weights, resumed.weights, strict=True):
        np.testing.assert_array_equal(another, one)


def test_other_pictures_cannot_go_on_from_a_snapshot(through: _Story, few_digits: Dataset) -> None:
    """Not even if there are as many, of the same classes."""
    swapped = replace(few_digits.train, labels=few_digits.train.labels[::-1].copy())
    with pytest.raises(ResumeError, match="other data or settings"):
        _train(
            replace(few_digits, train=swapped),
            EpochRecorder(),
            resume=through.heard.snapshots[1],
        )


def test_a_loss_that_is_no_number_ends_training(few_digits: Dataset) -> None:
    hopeless = replace(_SETTINGS, learning_rate=1e30)
    with pytest.raises(TrainingDiverged, match="the loss is no number any more"):
        _train(few_digits, EpochRecorder(), settings=hopeless)


def test_lessons_without_a_teacher_are_refused(few_digits: Dataset) -> None:
    with pytest.raises(ValueError, match="2 lessons and teacher None"):
        train(
            build_network(few_digits, topology=_ONE_SLOT),
            few_digits,
            settings=_SETTINGS,
            algorithm=Algorithm.JOINT,
        )


def test_another_seed_gives_other_weights(through: _Story, few_digits: Dataset) -> None:
    settings = replace(_SETTINGS, seed=1)
    other = _train(few_digits, EpochRecorder(stop_after=3), settings=settings)
    assert not all(map(np.array_equal, through.weights, other.weights))
