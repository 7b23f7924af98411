"""When the load generator sends. Pure: time is an argument, in seconds since it began.

Closed loop: so many requests are under way at any time, and each answer makes room for the next;
that finds what a cluster can do. Open loop: requests come when they come, whatever the cluster
does; that finds how long answers take, and a request that the generator itself sends late counts
from when it should have been sent.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Protocol


class Pacing(Protocol):
    """When to send. `due` is asked with growing times."""

    def due(self, now_s: float, *, under_way: int) -> Sequence[float]:
        """A time for each request that is to be sent now: when it should have been."""
        ...

    def next_due_s(self) -> float:
        """When there is something to send, whether or not an answer comes; infinity if never."""
        ...

    def is_over(self, now_s: float) -> bool:
        """Whether nothing more will be sent."""
        ...


class ClosedLoop:
    """`window` requests under way, for `span_s`, or until `count` of them were sent."""

    def __init__(self, window: int, *, span_s: float, count: int | None = None) -> None:
        self._window = window
        self._span_s = span_s
        self._left = math.inf if count is None else count

    def due(self, now_s: float, *, under_way: int) -> Sequence[float]:
        if self.is_over(now_s):
            return ()
        room = min(self._window - under_way, self._left)
        self._left -= room
        return (now_s,) * int(room)

    def next_due_s(self) -> float:
        return math.inf

    def is_over(self, now_s: float) -> bool:
        return self._left == 0 or now_s >= self._span_s


class OpenLoop:
    """Steps of a duration and a rate each, one after the other, at even intervals."""

    def __init__(self, steps: Sequence[tuple[float, float]]) -> None:
        """steps: (duration_s, rate_per_s)."""
        self._times = _times(steps)
        self._next_s = next(self._times, math.inf)

    def due(self, now_s: float, *, under_way: int) -> Sequence[float]:
        del under_way
        due = []
        while self._next_s <= now_s:
            due.append(self._next_s)
            self._next_s = next(self._times, math.inf)
        return due

    def next_due_s(self) -> float:
        return self._next_s

    def is_over(self, now_s: float) -> bool:
        del now_s
        return self._next_s == math.inf


def _times(steps: Sequence[tuple[float, float]]) -> Iterator[float]:
    begin_s = 0.0
    for duration_s, rate_per_s in steps:
        for number in range(int(duration_s * rate_per_s)):
            yield begin_s + number / rate_per_s
        begin_s += duration_s
