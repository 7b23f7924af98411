from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.trainer.comparison.examples import ENVIRONMENT, result, trainings
from trainer.comparison.contenders import NESTED, STATIC, Training
from trainer.comparison.store import ResultStore, dataset_digest
from trainer.data import AUGMENTATIONS, Dataset, Split
from trainer.errors import ExportError, ResumeError

TRAINING = trainings()[0]


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return ResultStore(tmp_path, "digest of the data", ENVIRONMENT)


def test_what_was_kept_is_found(store: ResultStore) -> None:
    assert store.find(TRAINING) is None
    store.keep(TRAINING, result(STATIC))
    assert store.find(TRAINING) == result(STATIC)


def test_a_file_says_whose_it_is(store: ResultStore) -> None:
    store.keep(trainings()[2], result(NESTED))
    (file,) = store.folder.iterdir()
    assert file.name.startswith("fluid-nested-incremental-seed0-")


def _other_seed(training: Training) -> Training:
    return replace(training, settings=replace(training.settings, seed=1))


def _more_passes(training: Training) -> Training:
    return replace(training, settings=replace(training.settings, epochs=25))


@pytest.mark.parametrize("change", [_other_seed, _more_passes])
def test_results_of_other_settings_are_not_used(
    store: ResultStore, change: Callable[[Training], Training]
) -> None:
    store.keep(TRAINING, result(STATIC))
    assert store.find(change(TRAINING)) is None


def test_results_of_other_data_or_another_machine_are_not_used(store: ResultStore) -> None:
    store.keep(TRAINING, result(STATIC))
    assert replace(store, dataset_digest="of other data").find(TRAINING) is None
    newer = replace(ENVIRONMENT, tensorflow="2.20.0")
    assert replace(store, environment=newer).find(TRAINING) is None


def test_more_seeds_use_what_fewer_have_left(store: ResultStore) -> None:
    for training in trainings(seeds=1):
        store.keep(training, result(training.contender))
    found = [store.find(training) is not None for training in trainings(seeds=2)]
    assert found == [True] * 4 + [False] * 4


@pytest.mark.parametrize("content", ["", "{", "[]", '{"contender": "static"}'])
def test_an_unreadable_result_is_named(store: ResultStore, content: str) -> None:
    store.keep(TRAINING, result(STATIC))
    (file,) = store.folder.iterdir()
    file.write_text(content)
    with pytest.raises(ResumeError, match=rf"{file.name}: is no result \(.*\); delete it"):
        store.find(TRAINING)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    store = ResultStore(tmp_path / "missing", "digest of the data", ENVIRONMENT)
    with pytest.raises(ExportError, match=r"missing.*: cannot be written \(No such file"):
        store.keep(TRAINING, result(STATIC))


def _split(seed: int) -> Split:
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, size=(6, 4, 4, 1), dtype=np.uint8)
    return Split(images, np.arange(6))


def _dataset() -> Dataset:
    return Dataset("noise", tuple("abcdef"), _split(1), _split(2), _split(3))


def test_equal_data_has_an_equal_digest() -> None:
    assert dataset_digest(_dataset()) == dataset_digest(_dataset())


@pytest.mark.parametrize(
    "changed",
    [
        replace(_dataset(), train=_split(4)),
        replace(_dataset(), test=replace(_split(3), labels=np.arange(6)[::-1].copy())),
        replace(_dataset(), validation=_dataset().test, test=_dataset().validation),
        replace(_dataset(), classes=tuple("abcdeg")),
        replace(_dataset(), augmentation=AUGMENTATIONS["shifts"]),
    ],
    ids=["images", "labels", "splits", "classes", "augmentation"],
)
def test_data_that_differ_have_another_digest(changed: Dataset) -> None:
    assert dataset_digest(changed) != dataset_digest(_dataset())
