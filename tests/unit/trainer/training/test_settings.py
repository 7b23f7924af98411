import json
from typing import Any

import pytest

from trainer.data import dataset_names
from trainer.topology import Family, Topology
from trainer.training.curriculum import curriculum
from trainer.training.settings import Algorithm, TrainingSettings, algorithm_for, default_settings


@pytest.mark.parametrize("dataset", [*dataset_names(), "of somebody else"])
@pytest.mark.parametrize("images", [1, 1_000, 1_000_000])
def test_every_data_set_has_settings(dataset: str, images: int) -> None:
    settings = default_settings(dataset, images=images)
    growth = curriculum(Topology.of(2), Algorithm.NESTED_INCREMENTAL, settings)[0]
    left = settings.epochs - sum(step.epochs for step in growth)
    assert left >= settings.epochs // 3, "the consolidation must not be starved"


def test_the_fewer_images_the_more_passes() -> None:
    passes = [default_settings("photos", images=images).epochs for images in (100, 1_000, 10_000)]
    assert passes == sorted(passes, reverse=True)
    assert len(set(passes)) == 3


def test_the_teacher_and_the_growth_keep_their_share_of_other_passes() -> None:
    settings = TrainingSettings(epochs=60, growth_epochs=4, teacher_epochs=20)
    longer, shorter = settings.with_epochs(120), settings.with_epochs(6)
    assert (longer.growth_epochs, longer.teacher_epochs) == (8, 40)
    assert (shorter.epochs, shorter.growth_epochs, shorter.teacher_epochs) == (6, 1, 2)


@pytest.mark.parametrize("name", ["epochs", "rounds", "growth_epochs", "batch_size"])
def test_training_for_nothing_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        TrainingSettings(**{"epochs": 1, name: 0})


@pytest.mark.parametrize("name", ["label_weight", "temperature", "learning_rate"])
def test_shares_and_rates_of_nothing_are_refused(name: str) -> None:
    nothing: dict[str, Any] = {name: 0.0}
    with pytest.raises(ValueError, match="must be positive"):
        TrainingSettings(epochs=1, **nothing)


def test_a_negative_number_of_lessons_is_refused() -> None:
    with pytest.raises(ValueError, match="teacher epochs must not be negative"):
        TrainingSettings(epochs=1, teacher_epochs=-1)


def test_every_setting_goes_into_the_manifest() -> None:
    settings = TrainingSettings(epochs=3, temperature=4.0)
    assert TrainingSettings(**json.loads(json.dumps(settings.to_json()))) == settings


@pytest.mark.parametrize(
    ("family", "algorithm"),
    [
        (Family.FLUID, Algorithm.NESTED_INCREMENTAL),
        (Family.DYNAMIC, Algorithm.INCREMENTAL),
        (Family.STATIC, Algorithm.STATIC),
    ],
)
def test_each_family_has_an_algorithm_of_its_own(family: Family, algorithm: Algorithm) -> None:
    assert algorithm_for(family) is algorithm
    assert algorithm_for(family, algorithm) is algorithm


def test_an_algorithm_that_does_not_fit_the_family_is_refused() -> None:
    with pytest.raises(ValueError, match="dynamic is trained with incremental, not joint"):
        algorithm_for(Family.DYNAMIC, Algorithm.JOINT)
