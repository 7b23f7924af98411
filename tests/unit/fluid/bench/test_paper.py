import pytest

from fluid.bench import paper
from fluid.bench.figures import PartResults, collect
from fluid.bench.paper import CONTENDERS, RATIOS, ratios
from fluid.messages.control import Mode
from tests.unit.fluid.bench.fake_rig import fake_bench, opener

RATES = {
    "Static": 200.0,
    "Dynamic": 250.0,
    "Dynamic, lower half": 350.0,
    "Fluid HA": 400.0,
    "Fluid HT": 700.0,
}


def test_fluid_is_held_against_the_faster_way_of_dynamic() -> None:
    assert ratios(RATES) == {"ht_over_dynamic": 2.0, "ht_over_static": 3.5, "ha_over_static": 2.0}
    assert ratios({**RATES, "Dynamic": 700.0})["ht_over_dynamic"] == 1.0


def test_a_family_that_was_not_measured_has_no_ratio() -> None:
    assert ratios({"Fluid HT": 700.0, "Static": 200.0}) == {"ht_over_static": 3.5}
    assert ratios({"Static": 200.0}) == {}


def test_a_family_that_fails_has_no_ratio() -> None:
    assert "ht_over_static" not in ratios({**RATES, "Static": 0.0})


def test_ratios_are_of_contenders() -> None:
    assert all({above, *below} <= set(CONTENDERS) for above, below in RATIOS.values())


def _rates(family: str, mode: Mode, agents: tuple[str, ...]) -> float:
    """As the paper has it."""
    alone = {"static": (), "dynamic": ("master",), "fluid": ("master", "worker")}[family]
    if len(agents) == 1:
        return 100.0 if agents[0] in alone else 0.0
    return {"static": 80.0, "dynamic": 100.0, "fluid": 120.0 if mode is Mode.HA else 200.0}[family]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of the clusters."""
    found: list[str] = []
    monkeypatch.setattr(paper, "open_rig", opener(_rates, found))
    return found


def _measure(*families: str, repetition: int = 0) -> PartResults:
    return collect(paper.measure(fake_bench(*families), repetition))


@pytest.mark.usefixtures("asked")
def test_the_figure_has_a_row_for_each_contender_and_a_column_for_each_situation() -> None:
    part = _measure("static", "dynamic", "fluid")
    assert len(part.cases("images_per_s")) == len(CONTENDERS) * len(paper.SITUATIONS)
    assert part.ratios == {"ht_over_dynamic": 2.0, "ht_over_static": 2.5, "ha_over_static": 1.5}


@pytest.mark.usefixtures("asked")
def test_who_fails_is_noted_and_has_neither_latency_nor_accuracy() -> None:
    part = _measure("static", "dynamic", "fluid")
    case = ("Static", "only Master")
    failed = part.find(case, "images_per_s")
    assert failed is not None
    assert (failed.median, failed.notes) == (0.0, ("fails: nothing_runnable",))
    assert part.find(case, "p50_ms") is None
    assert part.find(case, "accuracy") is None
    assert part.find(("Fluid HA", "only Worker"), "accuracy") is not None


def test_latency_is_measured_at_half_of_what_was_just_seen(asked: list[str]) -> None:
    _measure("fluid", repetition=1)
    place = asked.index("fluid ht master+worker")
    assert asked[place : place + 3] == ["fluid ht master+worker", "saturate", "at 100/s"]


def test_accuracy_is_measured_once(asked: list[str]) -> None:
    _measure("fluid", repetition=0)
    assert asked.count("accuracy") == 6
    asked.clear()
    _measure("fluid", repetition=1)
    assert asked.count("accuracy") == 0


def test_every_other_repetition_goes_backwards(asked: list[str]) -> None:
    def together() -> list[str]:
        return [each for each in asked if each.endswith("master+worker")]

    _measure("static", "dynamic", "fluid", repetition=0)
    forth = together()
    asked.clear()
    _measure("static", "dynamic", "fluid", repetition=1)
    assert together() == forth[::-1]


def test_a_family_without_a_bundle_is_left_out(asked: list[str]) -> None:
    part = _measure("fluid")
    assert not any(each.startswith(("static", "dynamic")) for each in asked)
    assert part.ratios == {}
