import pytest

from tests.unit.trainer.comparison.examples import SETTINGS
from trainer.comparison.contenders import CONTENDERS, plan_trainings
from trainer.topology import Family
from trainer.training.settings import TrainingSettings


def test_a_contender_is_named_after_its_family_and_a_choice_of_algorithm() -> None:
    assert [each.name for each in CONTENDERS] == [
        "static",
        "dynamic",
        "fluid nested-incremental",
        "fluid joint",
    ]


def test_contenders_take_turns_seed_by_seed() -> None:
    names = [str(each) for each in plan_trainings(SETTINGS, seeds=2)]
    assert names == [f"{each.name}, seed {seed}" for seed in (0, 1) for each in CONTENDERS]


@pytest.mark.parametrize("passes", [None, 10, 11, 25, 240])
def test_every_contender_passes_over_the_data_equally_often(passes: int | None) -> None:
    found = {each.passes for each in plan_trainings(SETTINGS, seeds=1, passes=passes)}
    assert found == {passes or 24}


def test_a_teachers_passes_are_counted_and_the_baselines_get_as_many() -> None:
    for each in plan_trainings(SETTINGS, seeds=1):
        taught = each.contender.family is Family.FLUID
        expected = (16, 8) if taught else (24, 0)
        assert (each.settings.epochs, each.settings.teacher_epochs) == expected


def test_a_network_is_compared_as_it_is_trained_by_default_but_for_its_seed() -> None:
    settings = TrainingSettings(
        epochs=60, growth_epochs=4, teacher_epochs=20, batch_size=32, seed=7
    )
    planned = plan_trainings(settings, seeds=1)
    fluid = [each.settings for each in planned if each.contender.family is Family.FLUID]
    expected = TrainingSettings(epochs=60, growth_epochs=4, teacher_epochs=20, batch_size=32)
    assert fluid == [expected, expected]


def test_teacher_and_growth_keep_their_shares_of_other_numbers_of_passes() -> None:
    settings = TrainingSettings(epochs=60, growth_epochs=4, teacher_epochs=20)
    *_, joint = plan_trainings(settings, seeds=1, passes=40)
    assert joint.settings.epochs == 30
    assert joint.settings.teacher_epochs == 10
    assert joint.settings.growth_epochs == 2


def test_without_a_teacher_nobody_gets_one() -> None:
    planned = plan_trainings(TrainingSettings(epochs=12), seeds=1)
    assert {(each.settings.epochs, each.settings.teacher_epochs) for each in planned} == {(12, 0)}


@pytest.mark.parametrize(
    ("passes", "complaint"),
    [
        (1, "1 passes over the data are too few: dynamic would take 4"),
        (6, "6 passes over the data are too few: fluid nested-incremental would take 9"),
    ],
)
def test_fewer_passes_than_steps_are_refused(passes: int, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        plan_trainings(SETTINGS, seeds=1, passes=passes)
