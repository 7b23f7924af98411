"""What `edge-agent` reads from its command line beyond click's own types."""

import math
import re
from typing import Any

import click

from fluid.messages.control import GREATEST_CAPACITY, LEAST_CAPACITY
from fluid.topics import Topics, is_agent_id

_UNITS_S = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]?)")
_MOST_S = 10 * 365 * 86_400.0


class AgentId(click.ParamType[str]):
    """An agent id: it becomes part of topics and of the client id."""

    name = "id"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not is_agent_id(value):
            self.fail("use up to 64 letters, digits, '.', '_' or '-'", param, ctx)
        return value


class TopicName(click.ParamType[str]):
    """A topic that others lie below: no wildcard, and no slash at its ends."""

    name = "topic"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            Topics(value)
        except ValueError:
            self.fail(f"{value!r} is no plain topic name, such as homeassistant", param, ctx)
        return value


class Duration(click.ParamType[float]):
    """A span of time, in seconds or with a unit: `90`, `90s`, `15m`, `24h`, `7d`; 0 for none."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        found = _DURATION.fullmatch(str(value).strip().lower())
        if found is None or found[2] not in _UNITS_S:
            self.fail(f"{value!r} is no span of time; say 90, 90s, 15m, 24h or 7d", param, ctx)
        seconds = float(found[1]) * _UNITS_S[found[2]]
        if seconds > _MOST_S:
            self.fail(f"{value!r} is more than ten years; 0 means never", param, ctx)
        return seconds


class Capacity(click.FloatRange):
    """How much work a device can do next to the others."""

    name = "capacity"

    def __init__(self) -> None:
        super().__init__(min=LEAST_CAPACITY, max=GREATEST_CAPACITY)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        capacity: float = super().convert(value, param, ctx)
        if math.isnan(capacity):  # outside no range, as click compares
            self.fail(f"{value!r} is not a number.", param, ctx)
        return capacity
