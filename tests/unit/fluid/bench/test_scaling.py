import pytest

from fluid.bench import scaling
from fluid.bench.figures import collect
from fluid.bench.scaling import device_share, efficiencies
from fluid.messages.control import Mode
from tests.unit.fluid.bench.fake_rig import fake_bench, opener


def test_linear_in_ht_is_against_one_device() -> None:
    rates = {(Mode.HT, 1): 100.0, (Mode.HT, 2): 200.0, (Mode.HT, 4): 300.0}
    assert efficiencies(rates) == {(Mode.HT, 2): 1.0, (Mode.HT, 4): 0.75}


def test_linear_in_ha_is_against_two_as_one_alone_answers_with_half_the_network() -> None:
    rates = {(Mode.HA, 1): 90.0, (Mode.HA, 2): 100.0, (Mode.HA, 8): 320.0}
    assert efficiencies(rates) == {(Mode.HA, 8): 0.8}


def test_without_the_fewest_there_is_nothing_to_compare_with() -> None:
    assert efficiencies({(Mode.HT, 2): 200.0, (Mode.HT, 4): 300.0}) == {}


def test_devices_get_less_of_a_core_where_eight_would_not_fit() -> None:
    assert device_share(0.2, 2) == pytest.approx(0.1125)
    assert device_share(0.2, 16) == 0.2


def test_all_numbers_of_devices_are_measured_in_both_modes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def rates(_family: str, mode: Mode, agents: tuple[str, ...]) -> float:
        return len(agents) * (100.0 if mode is Mode.HT else 50.0)

    monkeypatch.setattr(scaling, "open_rig", opener(rates, asked))
    part = collect(scaling.measure(fake_bench("fluid"), 0))
    assert part.cases("images_per_s") == tuple(
        (mode, str(count)) for count in (1, 2, 4, 8) for mode in ("HT", "HA")
    )
    eight = part.find(("HT", "8"), "efficiency")
    assert eight is not None
    assert eight.median == 1.0
    assert part.find(("HA", "2"), "efficiency") is None  # it is what linear is
