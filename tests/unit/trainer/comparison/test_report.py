from dataclasses import replace

from tests.unit.trainer.comparison.examples import comparison, result, two_seeds
from trainer.comparison.contenders import STATIC, plan_trainings
from trainer.comparison.report import render_report
from trainer.comparison.results import Refusal
from trainer.comparison.tables import bar_grid, change_grid, cost_grid, float_grid, int8_grid
from trainer.training.settings import TrainingSettings


def test_the_report_holds_every_table_and_the_picture() -> None:
    compared = two_seeds()
    report = render_report(compared, plot="accuracy.png")
    for grid in (int8_grid, float_grid, change_grid, cost_grid, bar_grid):
        assert f"\n\n{grid(compared).markdown()}\n\n" in report
    assert "](accuracy.png)" in report


def test_the_report_says_how_it_was_measured() -> None:
    report = render_report(two_seeds(), plot="p.png")
    for said in (
        "mnist, 54,000 images for training",
        "10,000 images of its test split",
        "each contender passes over the training images 24 times",
        "learn from a static teacher, whose passes are counted: 8 are its own, 16 are theirs",
        "Seeds: 0, 1,",
        "run by lite 1.0",
        "4 CPUs (aarch64), Python 3.11.2, TensorFlow 2.19.1",
        "Other jobs may have run beside",
        "One test image counts for 0.010 points",
    ):
        assert said in report


def test_where_there_is_no_teacher_none_is_told_of() -> None:
    untaught = plan_trainings(TrainingSettings(epochs=12), seeds=1)
    report = render_report(replace(two_seeds(), trainings=untaught), plot="p.png")
    assert "each contender passes over the training images 12 times. Nobody has a teacher." in (
        report
    )
    assert "a static teacher" not in report


def test_what_could_not_be_measured_is_told_and_nothing_where_all_could() -> None:
    refusal = Refusal("dynamic", 1, "lower50: its files disagree")
    report = render_report(comparison(result(STATIC), refusals=(refusal,)), plot="p.png")
    assert "## What could not be measured\n\n- dynamic, seed 1: lower50: its files disagree\n" in (
        report
    )
    assert "could not be measured" not in render_report(two_seeds(), plot="p.png")


def test_a_comparison_of_which_nothing_could_be_exported_is_still_told() -> None:
    refusal = Refusal("static", 0, "no operator")
    report = render_report(comparison(seeds=1, refusals=(refusal,)), plot="p.png")
    assert "not measured" in report
    assert "static, seed 0: no operator" in report


def test_equal_results_give_an_equal_report() -> None:
    assert render_report(two_seeds(), plot="p.png") == render_report(two_seeds(), plot="p.png")
