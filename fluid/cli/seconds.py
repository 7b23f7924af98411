"""Spans of time that a user gives on the command line."""

import math
from typing import Any

import click

from fluid.client import MAX_TIMEOUT_S


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
