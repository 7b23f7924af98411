import pytest

from tests.unit.trainer.comparison.examples import comparison, result, two_seeds
from trainer.comparison.bars import Bar, bars
from trainer.comparison.contenders import DYNAMIC, NESTED, STATIC
from trainer.comparison.results import Comparison


def _measured(compared: Comparison) -> list[float | None]:
    return [bar.measured for bar in bars(compared)]


def test_what_is_promised_is_computed_from_the_results() -> None:
    work, below_static, mean_loss, worst_loss, time = bars(two_seeds())
    assert work.measured == 1.0
    assert below_static.measured == pytest.approx(0.1)
    assert mean_loss.measured == pytest.approx(0.06)
    assert worst_loss.measured == pytest.approx(0.08)
    assert time.measured == pytest.approx(2.25)
    assert [bar.holds for bar in bars(two_seeds())] == [True] * 5


def test_every_promise_can_be_broken() -> None:
    busy = {"lower": 1000, "upper": 1001}
    compared = comparison(
        result(STATIC, int8={"100": 0.99}, wall_s=10.0),
        result(DYNAMIC, device_macs=busy),
        result(NESTED, int8={"100": 0.9888}, loss=0.0012, wall_s=30.1),
    )
    assert [bar.holds for bar in bars(compared)] == [False] * 5


def test_the_worst_sub_network_and_the_worst_seed_count() -> None:
    compared = comparison(
        result(NESTED, 0, int8={"lower50": 0.98}, loss=0.003),
        result(NESTED, 1, int8={"lower50": 0.98}, loss=-0.001),
        result(NESTED, 0, int8={"100": 0.99}, loss=0.0005),
    )
    _, _, mean_loss, worst_loss, _ = _measured(compared)
    assert mean_loss == pytest.approx(0.1)
    assert worst_loss == pytest.approx(0.3)


def test_other_contenders_losses_break_no_promise() -> None:
    compared = comparison(result(DYNAMIC, loss=0.2), result(NESTED, loss=0.0))
    _, _, mean_loss, worst_loss, _ = _measured(compared)
    assert (mean_loss, worst_loss) == (0.0, 0.0)


def test_what_nobody_measured_neither_holds_nor_breaks() -> None:
    assert _measured(comparison()) == [None] * 5
    assert [bar.holds for bar in bars(comparison())] == [None] * 5


def test_a_promise_holds_at_its_limit_whatever_binary_fractions_make_of_it() -> None:
    assert Bar("", 100 * (0.9999 - 0.9989), 0.1, "points").holds
    assert not Bar("", 0.1001, 0.1, "points").holds
