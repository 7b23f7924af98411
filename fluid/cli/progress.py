"""How far a command is: a bar on stderr, for people, that leaves nothing behind.

Only where stderr is a terminal. stdout is never touched: it may be a file or a pipe.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Tally:
    """What a command tells of its progress. This one shows no bar."""

    def advance(self) -> None:
        """One more is done."""

    def say(self, line: str) -> None:
        """A line on stderr, above the bar."""
        click.echo(line, err=True)


class _Bar(Tally):
    def __init__(self, progress: "Progress", task: "TaskID") -> None:
        self._progress = progress
        self._task = task

    def advance(self) -> None:
        self._progress.advance(self._task)

    def say(self, line: str) -> None:
        self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress_bar(what: str, *, total: int, wanted: bool = True) -> Iterator[Tally]:
    """A bar of `total` steps while the block runs, unless nobody would see it or want it."""
    if not wanted or total < 2 or not sys.stderr.isatty():
        yield Tally()
        return
    from rich.console import Console  # noqa: PLC0415 -- pipes and services need no bar
    from rich.progress import (  # noqa: PLC0415 -- as above
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns,
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,  # stdout is data, and may go elsewhere than the bar
    ) as progress:
        yield _Bar(progress, progress.add_task(what, total=total))
