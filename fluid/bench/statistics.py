"""Medians, spreads, and whether two sets of repetitions differ by more than their noise. Pure.

Medians and ranges between quartiles, and no means: on a machine that does other things, a few
repetitions are far off, always to the same side.
"""

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

# Of a normal distribution: its standard deviation over its median absolute deviation, and the
# standard error of a median over that of a mean.
_DEVIATION_OF_MAD = 1.4826
_ERROR_OF_MEDIAN = 1.2533
# Three standard errors: of some hundred figures that are compared, hardly one is called changed
# by chance. And repetitions of one run are more alike than two runs are.
_STANDARD_ERRORS = 3.0
_LEAST_CHANGE = 0.03
_FEWEST_REPETITIONS = 3


class Verdict(StrEnum):
    """What may be said of two sets of repetitions."""

    HIGHER = "higher"
    LOWER = "lower"
    WITHIN_NOISE = "within noise"
    TOO_FEW = "too few repetitions"


@dataclass(frozen=True, slots=True)
class Sample:
    """One quantity in each repetition; at least one value."""

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("a sample needs a value")

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> float:
        """The range between the quartiles; 0 for a single value."""
        if len(self.values) == 1:
            return 0.0
        first, _, third = statistics.quantiles(self.values, n=4, method="inclusive")
        return third - first

    @property
    def median_error(self) -> float:
        """The standard error of the median, from the median absolute deviation."""
        median = self.median
        mad = statistics.median(abs(value - median) for value in self.values)
        return _ERROR_OF_MEDIAN * _DEVIATION_OF_MAD * mad / math.sqrt(len(self.values))


def compare(old: Sample, new: Sample) -> Verdict:
    """Whether the new median is above or below the old one by more than noise explains."""
    difference = new.median - old.median
    if min(len(old.values), len(new.values)) < _FEWEST_REPETITIONS:
        return Verdict.TOO_FEW
    noise = _STANDARD_ERRORS * math.hypot(old.median_error, new.median_error)
    if abs(difference) <= max(noise, _LEAST_CHANGE * abs(old.median)):
        return Verdict.WITHIN_NOISE
    return Verdict.HIGHER if difference > 0 else Verdict.LOWER


def percentile(values: Iterable[float], percent: float) -> float | None:
    """The value at or below which `percent` of them lie; None if there are none."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]
