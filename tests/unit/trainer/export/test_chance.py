import math

import pytest

from trainer.export.chance import SIGNIFICANCE, may_be_chance


@pytest.mark.parametrize("of", [10, 160])
@pytest.mark.parametrize("probability", [0.05, 0.5])
def test_the_limit_is_where_the_binomial_tail_falls_below_the_significance(
    of: int, probability: float
) -> None:
    def tail(count: int) -> float:
        return math.fsum(
            math.comb(of, hits) * probability**hits * (1 - probability) ** (of - hits)
            for hits in range(count, of + 1)
        )

    for count in range(of + 1):
        assert may_be_chance(count, of=of, probability=probability) == (tail(count) > SIGNIFICANCE)


def test_what_cannot_be_is_no_chance_and_what_must_be_is() -> None:
    assert not may_be_chance(1, of=100, probability=0.0)
    assert may_be_chance(100, of=100, probability=1.0)


def test_no_count_of_many_thousands_is_too_large_for_it() -> None:
    assert may_be_chance(5_000, of=100_000, probability=0.05)
    assert not may_be_chance(5_400, of=100_000, probability=0.05)
