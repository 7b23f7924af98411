import pytest
from rich.console import Console

from tests.unit.trainer.comparison.examples import comparison, result, two_seeds
from trainer.comparison.contenders import NESTED, STATIC
from trainer.comparison.tables import (
    Grid,
    bar_grid,
    change_grid,
    cost_grid,
    float_grid,
    int8_grid,
)


def _rows(grid: Grid) -> dict[str, tuple[str, ...]]:
    return {title: tuple(cells) for title, *cells in grid.rows}


def test_accuracies_are_in_percent_with_their_spread() -> None:
    grid = int8_grid(two_seeds())
    assert grid.header == (
        "sub-network",
        "static",
        "dynamic",
        "fluid nested-incremental",
        "fluid joint",
    )
    assert _rows(grid)["100"] == (
        "99.30 (99.20 to 99.40)",
        "95.50 (95.00 to 96.00)",
        "99.20 (99.00 to 99.40)",
        "99.20 (99.00 to 99.40)",
    )
    assert _rows(grid)["upper50"][:2] == ("-", "-")
    assert _rows(float_grid(two_seeds()))["100"][2] == "99.26 (99.04 to 99.48)"


@pytest.mark.parametrize(
    ("losses", "cell"),
    [
        ((0.0004, 0.0008), "-0.06 (-0.08 to -0.04)"),
        ((-0.001, 0.001), "0.00 (-0.10 to +0.10)"),
        ((0.00001, -0.00001), "0.00"),
        ((-0.0025,), "+0.25"),
    ],
)
def test_what_int8_changes_has_a_sign(losses: tuple[float, ...], cell: str) -> None:
    results = [result(NESTED, seed, loss=loss) for seed, loss in enumerate(losses)]
    assert _rows(change_grid(comparison(*results)))["100"][2] == cell


def test_costs_are_told_by_contender() -> None:
    rows = _rows(cost_grid(two_seeds()))
    assert rows["passes over the data"] == ("24", "24", "24", "24")
    assert rows["training time in seconds, median"][2] == "35.0 (20.0 to 50.0)"
    assert rows["the same, relative to static, median"][:3] == (
        "1.00",
        "1.05 (1.00 to 1.10)",
        "2.25 (2.00 to 2.50)",
    )
    assert rows["MACs an image, busiest device"][0] == "1,000"
    assert rows["MACs an image, all devices"][0] == "2,000"
    assert rows["bytes of all files"][2] == "5,001 (5,000 to 5,002)"


def test_a_contender_without_results_has_dashes() -> None:
    rows = cost_grid(comparison(result(STATIC))).rows
    assert {row[2] for row in rows} == {"-"}


def test_promises_have_a_verdict() -> None:
    compared = comparison(
        result(STATIC, int8={"100": 0.99}), result(NESTED, int8={"100": 0.99}, wall_s=40.0)
    )
    rows = _rows(bar_grid(compared))
    assert rows["training time of fluid nested-incremental, median of the seeds"] == (
        "4.000 x static",
        "3 x static",
        "no",
    )
    assert rows["work of the busiest device, of any contender"][-1] == "yes"
    assert {row[-1] for row in bar_grid(comparison()).rows} == {"not measured"}


def test_markdown_has_names_to_the_left_and_numbers_to_the_right() -> None:
    grid = Grid(("what", "n"), (("apples", "1"), ("pears", "2")))
    assert grid.markdown() == ("| what | n |\n| --- | ---: |\n| apples | 1 |\n| pears | 2 |")


def test_a_terminal_shows_cells_as_they_are() -> None:
    console = Console(width=60, force_terminal=False)
    with console.capture() as captured:
        console.print(Grid(("what", "n"), (("[bold]", "1"),)).rich("some"))
    assert "[bold]" in captured.get()
    assert "some" in captured.get()
