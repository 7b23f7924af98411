import pytest

from fluid.bench.statistics import Sample, Verdict, compare, percentile


def test_the_median_of_an_even_number_lies_between_the_middle_two() -> None:
    assert Sample((4.0, 1.0, 3.0, 2.0)).median == 2.5


def test_the_spread_is_the_range_between_the_quartiles() -> None:
    assert Sample((1.0, 2.0, 3.0, 4.0, 100.0)).spread == 2.0


def test_a_single_value_has_no_spread() -> None:
    sample = Sample((7.0,))
    assert (sample.median, sample.spread, sample.median_error) == (7.0, 0.0, 0.0)


def test_a_sample_without_values_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a value"):
        Sample(())


def test_one_repetition_far_off_hardly_widens_the_error_of_the_median() -> None:
    calm = Sample((100.0, 101.0, 102.0, 103.0, 104.0))
    disturbed = Sample((20.0, 101.0, 102.0, 103.0, 104.0))
    assert disturbed.median_error == calm.median_error


@pytest.mark.parametrize(
    ("new", "verdict"),
    [
        ((120.0, 121.0, 119.0), Verdict.HIGHER),
        ((80.0, 81.0, 79.0), Verdict.LOWER),
        ((101.0, 100.0, 102.0), Verdict.WITHIN_NOISE),
    ],
)
def test_a_change_beyond_the_spread_of_both_is_one(
    new: tuple[float, ...], verdict: Verdict
) -> None:
    assert compare(Sample((100.0, 101.0, 99.0)), Sample(new)) is verdict


def test_a_change_within_the_spread_of_either_is_noise() -> None:
    calm, wide = Sample((100.0, 101.0, 99.0)), Sample((80.0, 120.0, 160.0))
    assert compare(calm, wide) is Verdict.WITHIN_NOISE
    assert compare(wide, calm) is Verdict.WITHIN_NOISE


def test_a_small_change_counts_for_nothing_however_equal_the_repetitions_are() -> None:
    """Two runs differ by more than the repetitions of one do."""
    assert compare(Sample((100.0,) * 5), Sample((102.0,) * 5)) is Verdict.WITHIN_NOISE
    assert compare(Sample((100.0,) * 5), Sample((104.0,) * 5)) is Verdict.HIGHER


def test_what_was_nothing_and_is_something_has_changed() -> None:
    assert compare(Sample((0.0,) * 3), Sample((2.0,) * 3)) is Verdict.HIGHER
    assert compare(Sample((0.0,) * 3), Sample((0.0,) * 3)) is Verdict.WITHIN_NOISE


def test_of_two_repetitions_nothing_is_said() -> None:
    assert compare(Sample((1.0, 1.0)), Sample((9.0, 9.0, 9.0))) is Verdict.TOO_FEW


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(number) for number in range(1, 101)]
    assert percentile(values, 50) == 50.0
    assert percentile(values, 99) == 99.0
    assert percentile(values, 100) == 100.0
    assert percentile([3.0], 99) == 3.0
    assert percentile([], 50) is None
