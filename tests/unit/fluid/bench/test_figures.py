import json

import pytest

from fluid.bench.errors import BadResults
from fluid.bench.figures import QUANTITIES, RATIO, PartResults, Reading, Results, Series, collect

CASE = ("Fluid HT", "both online")


def _results() -> Results:
    part = collect(
        [
            Reading(CASE, "images_per_s", 700.0),
            Reading(("ht_over_static",), RATIO, 2.5),
            Series(CASE, {"at_s": [0.0, 0.5], "accuracy": [0.99, None]}),
            Reading(CASE, "images_per_s", 720.0, note="slow start"),
            Reading(("ht_over_static",), RATIO, 2.7),
        ],
        problem="ended early",
    )
    return Results({"cores": "2"}, {"repetitions": "2"}, {"paper": part})


def test_readings_of_all_repetitions_make_one_figure() -> None:
    figure = _results().parts["paper"].find(CASE, "images_per_s")
    assert figure is not None
    assert figure.sample.values == (700.0, 720.0)
    assert figure.notes == ("slow start",)


def test_a_figure_that_was_not_measured_is_not_found() -> None:
    part = _results().parts["paper"]
    assert part.find(CASE, "p50_ms") is None
    assert part.find(("Static", "both online"), "images_per_s") is None


def test_figures_stand_in_the_order_in_which_they_were_first_measured() -> None:
    """Repetitions run forth and back."""
    readings = [Reading((name,), "lost", 0) for name in ("a", "b", "b", "a")]
    assert collect(readings).cases("lost") == (("a",), ("b",))


def test_results_are_the_same_after_a_way_through_json() -> None:
    results = _results()
    assert Results.from_json(json.loads(json.dumps(results.to_json()))) == results


def test_the_ratios_of_the_paper_stand_at_the_top_and_in_their_part() -> None:
    document = _results().to_json()
    assert document["ratios"] == {"ht_over_static": 2.6}
    assert document["parts"]["paper"]["ratios"] == document["ratios"]


def test_without_that_part_there_are_no_ratios() -> None:
    document = Results(parts={"memory": collect([Reading(("start",), "start_s", 1.0)])}).to_json()
    assert document["ratios"] == {}
    assert "ratios" not in document["parts"]["memory"]


def test_a_part_is_added_to_what_was_measured_before() -> None:
    results = _results().with_part("memory", PartResults())
    assert list(results.parts) == ["paper", "memory"]
    assert results.machine == {"cores": "2"}


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"format_version": 2, "machine": {}, "settings": {}, "parts": {}},
        {"format_version": 1, "machine": {}, "settings": {}, "parts": []},
        {"format_version": 1, "machine": [], "settings": {}, "parts": {}},
        {"format_version": 1, "machine": {}, "settings": {}, "parts": {"paper": {"figures": 1}}},
    ],
)
def test_another_document_is_refused(document: object) -> None:
    with pytest.raises(BadResults):
        Results.from_json(document)


@pytest.mark.parametrize(
    "change", [{"quantity": "luck"}, {"values": []}, {"values": [None]}, {"case": "both"}]
)
def test_a_figure_that_is_none_is_refused(change: dict[str, object]) -> None:
    document = _results().to_json()
    document["parts"]["paper"]["figures"][0].update(change)
    with pytest.raises(BadResults):
        Results.from_json(document)


def test_columns_that_are_no_lists_are_refused() -> None:
    document = _results().to_json()
    document["parts"]["paper"]["series"][0]["columns"] = {"at_s": 1}
    with pytest.raises(BadResults, match="columns"):
        Results.from_json(document)


def test_quantities_say_their_unit() -> None:
    assert QUANTITIES["p99_ms"].unit == "ms"
    assert QUANTITIES["resident_mb"].unit == "MB"
