"""The tables of a comparison as plain text cells, for Markdown and for a terminal. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.markup import escape
from rich.table import Table

from trainer.comparison.bars import Bar, bars
from trainer.comparison.contenders import CONTENDERS, Contender
from trainer.comparison.results import Comparison
from trainer.comparison.spreads import (
    Spread,
    float_accuracy,
    int8_accuracy,
    int8_loss,
    time_ratio,
    work_ratio,
)

_NOTHING = "-"
_VERDICTS = {True: "yes", False: "no", None: "not measured"}

Measure = Callable[[Comparison, Contender, str], Spread | None]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. The first column names its rows; the others are numbers."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """As a Markdown table, without a line's end after it."""
        rule = ("---", *["---:"] * (len(self.header) - 1))
        return "\n".join(f"| {' | '.join(row)} |" for row in (self.header, rule, *self.rows))

    def rich(self, title: str) -> Table:
        """As a table for a terminal."""
        table = Table(title=title, title_justify="left")
        for number, heading in enumerate(self.header):
            table.add_column(
                escape(heading), justify="right" if number else "left", overflow="fold"
            )
        for row in self.rows:
            table.add_row(*map(escape, row))
        return table


def int8_grid(comparison: Comparison) -> Grid:
    """int8 accuracy in percent of each sub-network, by contender."""
    return _by_sub_network(comparison, int8_accuracy)


def float_grid(comparison: Comparison) -> Grid:
    """Float accuracy in percent of each sub-network, by contender."""
    return _by_sub_network(comparison, float_accuracy)


def change_grid(comparison: Comparison) -> Grid:
    """int8 minus float accuracy, in points, of each sub-network, by contender."""
    return _by_sub_network(comparison, _change, signed=True)


def cost_grid(comparison: Comparison) -> Grid:
    """What training and serving cost, by contender."""
    rows: dict[str, Callable[[Contender], str]] = {
        "passes over the data": lambda each: _count(_passes(comparison, each)),
        "training time in seconds, median": lambda each: _spread(
            _wall_s(comparison, each), decimals=1, by="median"
        ),
        "the same, relative to static, median": lambda each: _spread(
            time_ratio(comparison, each), decimals=2, by="median"
        ),
        "MACs an image, busiest device": lambda each: _count(_busiest_macs(comparison, each)),
        "the same, relative to static": lambda each: _spread(
            work_ratio(comparison, each), decimals=3
        ),
        "MACs an image, all devices": lambda each: _count(_all_macs(comparison, each)),
        "bytes of all files": lambda each: _count(_bytes(comparison, each)),
    }
    return Grid(
        ("", *(each.name for each in CONTENDERS)),
        tuple((title, *map(cell, CONTENDERS)) for title, cell in rows.items()),
    )


def bar_grid(comparison: Comparison) -> Grid:
    """Each promise, what was measured, and whether it holds."""
    return Grid(
        ("promised", "measured", "at most", "holds"),
        tuple(
            (bar.promise, _measured(bar), f"{bar.limit:g} {bar.unit}", _VERDICTS[bar.holds])
            for bar in bars(comparison)
        ),
    )


def _by_sub_network(comparison: Comparison, measure: Measure, *, signed: bool = False) -> Grid:
    return Grid(
        ("sub-network", *(each.name for each in CONTENDERS)),
        tuple(
            (
                name,
                *(
                    _spread(measure(comparison, each, name), decimals=2, scale=100, signed=signed)
                    for each in CONTENDERS
                ),
            )
            for name in comparison.sub_networks()
        ),
    )


def _change(comparison: Comparison, contender: Contender, sub_network: str) -> Spread | None:
    loss = int8_loss(comparison, contender, sub_network)
    if loss is None:
        return None
    return Spread(-loss.mean, -loss.median, least=-loss.greatest, greatest=-loss.least)


def _spread(
    spread: Spread | None,
    *,
    decimals: int,
    scale: float = 1,
    signed: bool = False,
    by: str = "mean",
) -> str:
    """`99.31 (99.25 to 99.40)`, or one number where all look alike."""
    if spread is None:
        return _NOTHING
    middle = spread.median if by == "median" else spread.mean
    shown = [
        _decimal(scale * each, decimals, signed=signed)
        for each in (middle, spread.least, spread.greatest)
    ]
    return shown[0] if len(set(shown)) == 1 else f"{shown[0]} ({shown[1]} to {shown[2]})"


def _decimal(value: float, decimals: int, *, signed: bool) -> str:
    """With a sign where it is asked for, but none before a zero."""
    rounded = round(value, decimals)
    if rounded == 0:
        return f"{0:.{decimals}f}"
    return f"{rounded:{'+' if signed else ''}.{decimals}f}"


def _count(spread: Spread | None) -> str:
    """As `_spread`, of whole numbers with commas."""
    if spread is None:
        return _NOTHING
    if spread.least == spread.greatest:
        return f"{spread.least:,.0f}"
    return f"{spread.mean:,.0f} ({spread.least:,.0f} to {spread.greatest:,.0f})"


def _measured(bar: Bar) -> str:
    return _NOTHING if bar.measured is None else f"{bar.measured:.3f} {bar.unit}"


def _passes(comparison: Comparison, contender: Contender) -> Spread | None:
    return Spread.over(each.passes for each in comparison.of(contender.name))


def _wall_s(comparison: Comparison, contender: Contender) -> Spread | None:
    return Spread.over(each.wall_s for each in comparison.of(contender.name))


def _busiest_macs(comparison: Comparison, contender: Contender) -> Spread | None:
    return Spread.over(each.busiest_macs for each in comparison.of(contender.name))


def _all_macs(comparison: Comparison, contender: Contender) -> Spread | None:
    results = comparison.of(contender.name)
    return Spread.over(sum(each.device_macs.values()) for each in results)


def _bytes(comparison: Comparison, contender: Contender) -> Spread | None:
    return Spread.over(each.size_bytes for each in comparison.of(contender.name))
