"""What is promised of a trained network, held against what a comparison measured. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from trainer.comparison.contenders import CONTENDERS, NESTED
from trainer.comparison.results import Comparison
from trainer.comparison.spreads import (
    Spread,
    int8_gain_on_static,
    int8_loss,
    time_ratio,
    work_ratio,
)

MAX_INT8_LOSS_POINTS = 0.1
MAX_POINTS_BELOW_STATIC = 0.1
MAX_TIME_RATIO = 3.0
MAX_WORK_RATIO = 1.0
# A share of some images is not exact in binary.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Bar:
    """A promise: `measured` is at most `limit`. None where nothing could be measured.

    unit: "points" of accuracy, or "x static".
    """

    promise: str
    measured: float | None
    limit: float
    unit: str

    @property
    def holds(self) -> bool | None:
        """None where nothing could be measured."""
        return None if self.measured is None else self.measured <= self.limit + _ROUNDING


def bars(comparison: Comparison) -> tuple[Bar, ...]:
    """The promises of the default way to train, fluid nested-incremental, and of fairness."""
    widest = NESTED.topology.widest().name
    losses = _present(int8_loss(comparison, NESTED, name) for name in comparison.sub_networks())
    gain = int8_gain_on_static(comparison, NESTED, widest)
    time = time_ratio(comparison, NESTED)
    work = _present(work_ratio(comparison, contender) for contender in CONTENDERS)
    return (
        Bar(
            "work of the busiest device, of any contender",
            max((each.greatest for each in work), default=None),
            MAX_WORK_RATIO,
            "x static",
        ),
        Bar(
            f"`{widest}` of {NESTED.name} below static, int8, mean of the seeds",
            None if gain is None else -100 * gain.mean,
            MAX_POINTS_BELOW_STATIC,
            "points",
        ),
        Bar(
            f"int8 below float, worst sub-network of {NESTED.name}, mean of the seeds",
            max((100 * each.mean for each in losses), default=None),
            MAX_INT8_LOSS_POINTS,
            "points",
        ),
        Bar(
            f"int8 below float, worst sub-network of {NESTED.name}, worst seed",
            max((100 * each.greatest for each in losses), default=None),
            MAX_INT8_LOSS_POINTS,
            "points",
        ),
        Bar(
            f"training time of {NESTED.name}, median of the seeds",
            None if time is None else time.median,
            MAX_TIME_RATIO,
            "x static",
        ),
    )


def _present(spreads: Iterable[Spread | None]) -> list[Spread]:
    return [each for each in spreads if each is not None]
