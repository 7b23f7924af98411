"""A table that leaves columns out where a terminal is too narrow: a folded row is read as two.

Imports rich, so whoever prints JSON alone does not import this.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, JustifyMethod, RenderResult
from rich.table import Table
from rich.text import Text

_ANY_WIDTH = 10_000


class Column(NamedTuple):
    """foldable_to: how narrow it may get by folding before another column is left out; None if
    it is not folded for that."""

    heading: str
    foldable_to: int | None = None
    justify: JustifyMethod = "left"


@dataclass(frozen=True, slots=True)
class FittingTable:
    """Rows of cells, with as many of the columns as there is room for.

    dispensable: headings of what is left out, in this order. empty: makes a table without columns.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Text, ...], ...]
    dispensable: tuple[str, ...]
    empty: Callable[[], Table] = Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        unbounded = options.update(max_width=_ANY_WIDTH)
        for count in range(len(self.dispensable) + 1):
            left_out = self.dispensable[:count]
            narrowest = self._table(left_out, is_narrowest=True)
            if console.measure(narrowest, options=unbounded).maximum <= options.max_width:
                yield self._table(left_out)
                return
        yield self._table(self.dispensable, folds_all=True)

    def _table(
        self, left_out: Collection[str], *, is_narrowest: bool = False, folds_all: bool = False
    ) -> Table:
        table = self.empty()
        kept = [index for index, each in enumerate(self.columns) if each.heading not in left_out]
        for heading, foldable_to, justify in (self.columns[index] for index in kept):
            table.add_column(
                heading,
                justify=justify,
                overflow="fold",
                max_width=foldable_to if is_narrowest else None,
                no_wrap=foldable_to is None and not folds_all,
            )
        for cells in self.rows:
            table.add_row(*(cells[index] for index in kept))
        return table
