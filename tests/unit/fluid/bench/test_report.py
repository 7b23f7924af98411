from fluid.bench.comparison import changes
from fluid.bench.figures import QUANTITIES, Reading, Results, Series, collect
from fluid.bench.parts import PARTS
from fluid.bench.report import _HEADINGS, _SECTIONS, _TITLES, render_changes, render_report

BOTH = ("Fluid HT", "both online")
PAPER = collect(
    [
        Reading(BOTH, "images_per_s", 700.0),
        Reading(BOTH, "images_per_s", 720.0),
        Reading(BOTH, "images_per_s", 740.0),
        Reading(BOTH, "accuracy", 0.99331),
        Reading(BOTH, "agents_cores", 0.4),
        Reading(("Static", "only Master"), "images_per_s", 0.0, note="fails: nothing_runnable"),
        Reading(("ht_over_static",), "ratio", 3.5),
        Series(BOTH, {"at_s": [0.0]}),
    ]
)
RESULTS = Results({"cores": "2"}, {"devices": "a control group each"}, {"paper": PAPER})


def test_a_figure_is_its_median_and_its_spread() -> None:
    assert "| Fluid HT | both online | 720 (20) | 99.33 |" in render_report(RESULTS)


def test_a_case_that_fails_says_so_and_why() -> None:
    report = render_report(RESULTS)
    assert "| Static | only Master | fails: nothing_runnable | - |" in report


def test_columns_that_nobody_measured_are_left_out() -> None:
    report = render_report(RESULTS)
    assert "p99 ms" not in report
    assert "| network | devices | images/s | accuracy % |" in report


def test_what_was_promised_comes_first() -> None:
    report = render_report(RESULTS)
    assert "| images/s of HT over static | 3.50 | at least 2.5 | yes |" in report
    assert report.index("What was promised") < report.index("The paper's figure")


def test_the_machine_is_described() -> None:
    report = render_report(RESULTS)
    assert "- cores: 2\n- devices: a control group each" in report


def test_plots_stand_in_their_part() -> None:
    report = render_report(RESULTS, plots=("bench-paper.png", "bench-load.png"))
    assert "![bench-paper.png](bench-paper.png)" in report
    assert "bench-load" not in report


def test_a_part_that_ended_early_says_why() -> None:
    results = Results(parts={"scaling": collect([], problem="master did not serve")})
    assert "**Ended early**: master did not serve" in render_report(results)


def test_each_part_has_a_title_and_a_section() -> None:
    assert list(_TITLES) == list(_SECTIONS) == list(PARTS)


def test_each_quantity_has_a_heading() -> None:
    assert set(_HEADINGS) == set(QUANTITIES)


def test_only_changes_beyond_noise_are_listed() -> None:
    def results(rate: float) -> Results:
        readings = [Reading(BOTH, "images_per_s", rate)] * 3 + [Reading(BOTH, "p50_ms", 5.0)] * 3
        return Results(parts={"paper": collect(readings)})

    text = render_changes(changes(results(100), results(150)), ("cores: 2, now 4",))
    assert "| paper, Fluid HT, both online, images/s | 100 | 150 | 1.50 | better |" in text
    assert "p50" not in text
    assert "- cores: 2, now 4" in text
    assert "1 of 2 figures changed beyond noise, 1 did not." in text


def test_too_few_repetitions_are_named() -> None:
    text = render_changes(changes(RESULTS, RESULTS), ())
    assert "too few repetitions" in text


def test_runs_without_a_common_figure_are_not_compared() -> None:
    assert "no figure in common" in render_changes((), ())
