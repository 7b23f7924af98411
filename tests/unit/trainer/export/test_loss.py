import numpy as np
import pytest
from numpy.typing import NDArray

from trainer.errors import QuantizationLoss
from trainer.export.loss import assert_little_loss

Outcomes = tuple[NDArray[np.bool_], NDArray[np.bool_]]


def _outcomes(images: int, *, lost: int, gained: int = 0) -> Outcomes:
    """Of so many images, all else right on both sides."""
    in_float, in_int8 = np.ones(images, dtype=bool), np.ones(images, dtype=bool)
    in_int8[:lost] = False
    in_float[images - gained :] = False
    return in_float, in_int8


def test_a_few_images_of_a_small_split_are_chance() -> None:
    assert_little_loss("75", *_outcomes(160, lost=6, gained=3), max_drop=None)


def test_more_than_chance_is_refused_in_a_small_split() -> None:
    with pytest.raises(QuantizationLoss, match=r"75 loses 11\.88% .* more than 0\.50%"):
        assert_little_loss("75", *_outcomes(160, lost=20, gained=1), max_drop=None)


def test_in_a_large_split_the_limit_alone_decides() -> None:
    assert_little_loss("75", *_outcomes(10_000, lost=52, gained=2), max_drop=None)
    with pytest.raises(QuantizationLoss):
        assert_little_loss("75", *_outcomes(10_000, lost=53, gained=2), max_drop=None)


def test_a_limit_that_somebody_chose_excuses_no_chance() -> None:
    assert_little_loss("75", *_outcomes(200, lost=2, gained=1), max_drop=0.005)
    with pytest.raises(QuantizationLoss, match=r"75 loses 1\.00%"):
        assert_little_loss("75", *_outcomes(200, lost=2), max_drop=0.005)


def test_a_gain_is_no_loss() -> None:
    assert_little_loss("75", *_outcomes(1_000, lost=0, gained=200), max_drop=0.0)
