import pytest

from tests.unit.trainer.comparison.examples import comparison, result, two_seeds
from trainer.comparison.contenders import JOINT, NESTED, STATIC
from trainer.comparison.spreads import (
    Spread,
    float_accuracy,
    int8_accuracy,
    int8_gain_on_static,
    int8_loss,
    time_ratio,
    work_ratio,
)


def _values(spread: Spread | None) -> tuple[float, float, float, float]:
    assert spread is not None
    return spread.mean, spread.median, spread.least, spread.greatest


def test_a_spread_is_over_at_least_one_value() -> None:
    assert _values(Spread.over([4.0, 1.0, 1.0])) == (2.0, 1.0, 1.0, 4.0)
    assert Spread.over([]) is None


def test_accuracies_are_spread_over_the_seeds() -> None:
    compared = two_seeds()
    in_int8 = _values(int8_accuracy(compared, NESTED, "100"))
    assert in_int8 == pytest.approx((0.992, 0.992, 0.990, 0.994))
    in_float = _values(float_accuracy(compared, NESTED, "100"))
    assert in_float == pytest.approx((0.9926, 0.9926, 0.9904, 0.9948))


def test_what_int8_costs_is_spread_over_the_seeds() -> None:
    loss = _values(int8_loss(two_seeds(), NESTED, "upper50"))
    assert loss == pytest.approx((0.0006, 0.0006, 0.0004, 0.0008))


def test_a_sub_network_that_a_contender_lacks_has_no_spread() -> None:
    compared = two_seeds()
    assert int8_accuracy(compared, STATIC, "lower50") is None
    assert float_accuracy(compared, STATIC, "lower50") is None
    assert int8_loss(compared, STATIC, "lower50") is None


def test_static_is_the_measure_seed_by_seed() -> None:
    compared = two_seeds()
    gain = _values(int8_gain_on_static(compared, NESTED, "100"))
    assert gain == pytest.approx((-0.001, -0.001, -0.002, 0.0))
    # Not the ratio of the sums: 20/10 and 50/20.
    assert _values(time_ratio(compared, NESTED)) == pytest.approx((2.25, 2.25, 2.0, 2.5))


def test_work_is_that_of_the_busiest_device() -> None:
    compared = comparison(
        result(STATIC, device_macs={"lower": 200, "upper": 200}),
        result(NESTED, device_macs={"lower": 100, "upper": 150}),
    )
    assert _values(work_ratio(compared, NESTED)) == (0.75, 0.75, 0.75, 0.75)


def test_a_seed_without_static_is_compared_with_nothing() -> None:
    compared = comparison(
        result(STATIC, 0), result(JOINT, 0, wall_s=30.0), result(JOINT, 1, wall_s=90.0)
    )
    assert _values(time_ratio(compared, JOINT)) == (3.0, 3.0, 3.0, 3.0)
    assert time_ratio(comparison(result(JOINT, 0)), JOINT) is None
