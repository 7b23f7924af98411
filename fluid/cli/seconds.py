"""Spans of time that a user gives on the command line."""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import click

from fluid.client import MAX_TIMEOUT_S

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Seconds(click.FloatRange):
    """A finite time above 0, of a day at most."""

    name = "seconds"

    def __init__(self) -> None:
        super().__init__(min=0, max=MAX_TIMEOUT_S, min_open=True)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        seconds: float = super().convert(value, param, ctx)
        if math.isnan(seconds):  # outside no range, as click compares
            self.fail(f"{value!r} is not a time.", param, ctx)
        return seconds


def timeout_option(meaning: str, *, default_s: float) -> Callable[[_Command], _Command]:
    """Add `--timeout`, which the command gets as `timeout_s`; meaning: what its help says."""
    return click.option(
        "--timeout",
        "timeout_s",
        type=Seconds(),
        default=default_s,
        show_default=True,
        metavar="SECONDS",
        help=meaning,
    )
