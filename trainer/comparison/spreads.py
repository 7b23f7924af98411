"""Sums a comparison up over its seeds. Pure."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from trainer.comparison.contenders import STATIC, Contender
from trainer.comparison.results import Comparison, Result


@dataclass(frozen=True, slots=True)
class Spread:
    """Some values in short."""

    mean: float
    median: float
    least: float
    greatest: float

    @classmethod
    def over(cls, values: Iterable[float]) -> "Spread | None":
        """None for no values."""
        found = tuple(values)
        if not found:
            return None
        return cls(statistics.fmean(found), statistics.median(found), min(found), max(found))


def float_accuracy(comparison: Comparison, contender: Contender, sub_network: str) -> Spread | None:
    """On the test split, in [0, 1]; None if the contender has no such sub-network."""
    results = _having(comparison, contender, sub_network)
    return Spread.over(each.float_accuracy[sub_network] for each in results)


def int8_accuracy(comparison: Comparison, contender: Contender, sub_network: str) -> Spread | None:
    """On the test split, in [0, 1]; None if the contender has no such sub-network."""
    results = _having(comparison, contender, sub_network)
    return Spread.over(each.int8_accuracy[sub_network] for each in results)


def int8_loss(comparison: Comparison, contender: Contender, sub_network: str) -> Spread | None:
    """Float accuracy minus int8 accuracy, as a share; None if there is no such sub-network."""
    results = _having(comparison, contender, sub_network)
    return Spread.over(each.loss(sub_network) for each in results)


def int8_gain_on_static(
    comparison: Comparison, contender: Contender, sub_network: str
) -> Spread | None:
    """int8 accuracy minus that of the static network of the same seed, as a share."""
    return Spread.over(
        mine.int8_accuracy[sub_network] - static.int8_accuracy[sub_network]
        for mine, static in _beside_static(comparison, contender)
    )


def time_ratio(comparison: Comparison, contender: Contender) -> Spread | None:
    """Wall time of training over that of the static network of the same seed."""
    return Spread.over(
        mine.wall_s / static.wall_s for mine, static in _beside_static(comparison, contender)
    )


def work_ratio(comparison: Comparison, contender: Contender) -> Spread | None:
    """Work of the busiest device over that of the static network's, of the same seed."""
    return Spread.over(
        mine.busiest_macs / static.busiest_macs
        for mine, static in _beside_static(comparison, contender)
    )


def _having(comparison: Comparison, contender: Contender, sub_network: str) -> list[Result]:
    results = comparison.of(contender.name)
    return [each for each in results if sub_network in each.int8_accuracy]


def _beside_static(comparison: Comparison, contender: Contender) -> list[tuple[Result, Result]]:
    static = {each.seed: each for each in comparison.of(STATIC.name)}
    return [
        (each, static[each.seed]) for each in comparison.of(contender.name) if each.seed in static
    ]
