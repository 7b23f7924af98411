"""How much was answered in each of the last seconds, by which sub-network, and how fast.

Owns a bounded history of whole seconds. Pure: replies and moments in, ticks out.
"""

import itertools
import math
from collections import Counter, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from fluid.messages.replies import ErrorReply, Reply

HISTORY_S = 300
# What one second may cost, whatever the cluster does and whoever publishes answers.
_MOST_SAMPLES = 4_000
_MOST_NAMES = 12
_LONGEST_NAME = 64
_LONGEST_MS = 86_400_000.0
_OTHER = "other"


@dataclass(frozen=True, slots=True)
class Tick:
    """One second.

    second: since the clock's beginning. answers: images that got a result. errors: images that
    got an error. device_p50_ms, device_p99_ms: from its arrival at the device that answered to
    the answer (waiting and computing); None where nothing was answered. own_ms: the median from
    asking to answer of the page's own requests; None where there was none. shares: images by
    sub-network. blind: the broker could not be heard, so nothing is known.
    """

    second: int
    answers: int = 0
    errors: int = 0
    device_p50_ms: float | None = None
    device_p99_ms: float | None = None
    own_ms: float | None = None
    shares: tuple[tuple[str, int], ...] = ()
    blind: bool = False

    def to_json(self, *, epoch_s: float) -> dict[str, Any]:
        """epoch_s: the wall clock's time at the beginning of the clock that counts seconds."""
        return {
            "at": round(self.second + epoch_s, 1),
            "answers": self.answers,
            "errors": self.errors,
            "p50": _rounded(self.device_p50_ms),
            "p99": _rounded(self.device_p99_ms),
            "own": _rounded(self.own_ms),
            "shares": dict(self.shares),
            "blind": self.blind,
        }


@dataclass(slots=True)
class _Second:
    answers: int = 0
    errors: int = 0
    device_ms: list[float] = field(default_factory=list)
    own_ms: list[float] = field(default_factory=list)
    shares: Counter[str] = field(default_factory=Counter)


class Traffic:
    """Counts what is answered; moments are of one monotonic clock, and never go back."""

    def __init__(self, now_s: float) -> None:
        self._second = math.floor(now_s)
        self._now = _Second()
        self._ticks: deque[Tick] = deque(maxlen=HISTORY_S)
        self.answers = 0
        self.errors = 0

    def add(self, replies: Sequence[Reply], now_s: float) -> None:
        """Images were answered."""
        self.advance(now_s)
        now = self._now
        for reply in replies:
            if isinstance(reply, ErrorReply):
                now.errors += 1
                self.errors += 1
                continue
            now.answers += 1
            self.answers += 1
            now.shares[_name(reply.subnetwork, now.shares)] += 1
            if len(now.device_ms) < _MOST_SAMPLES:
                # Each is finite, but two that are huge add up to what is no JSON.
                ms = reply.queue_ms + reply.compute_ms
                now.device_ms.append(max(0.0, min(ms, _LONGEST_MS)))

    def add_own(self, latency_ms: float, now_s: float) -> None:
        """A request of the page's own was answered; `add` has its replies."""
        self.advance(now_s)
        if len(self._now.own_ms) < _MOST_SAMPLES:
            self._now.own_ms.append(latency_ms)

    def advance(self, now_s: float, *, blind: bool = False) -> None:
        """Close the seconds that are over. blind: nothing could be heard in them."""
        behind = math.floor(now_s) - self._second
        if behind > HISTORY_S:  # the machine slept: what is shown has been forgotten anyway
            self._second += behind - HISTORY_S
        for _ in range(min(behind, HISTORY_S)):
            self._ticks.append(_closed(self._second, self._now, blind=blind))
            self._now = _Second()
            self._second += 1

    @property
    def last_second(self) -> int:
        """The last one that is over."""
        return self._second - 1

    def since(self, second: int | None = None) -> list[Tick]:
        """The ticks after that second, oldest first; all that are kept by default."""
        if second is None:
            return list(self._ticks)
        newest_first = itertools.takewhile(lambda tick: tick.second > second, reversed(self._ticks))
        return list(newest_first)[::-1]


def _name(subnetwork: str, known: Collection[str]) -> str:
    """Under which name it is counted."""
    is_new = subnetwork not in known
    if len(subnetwork) > _LONGEST_NAME or (is_new and len(known) >= _MOST_NAMES):
        return _OTHER
    return subnetwork


def _closed(number: int, second: _Second, *, blind: bool) -> Tick:
    device_ms = sorted(second.device_ms)
    return Tick(
        number,
        answers=second.answers,
        errors=second.errors,
        device_p50_ms=_quantile(device_ms, 0.5),
        device_p99_ms=_quantile(device_ms, 0.99),
        own_ms=_quantile(sorted(second.own_ms), 0.5),
        shares=tuple(sorted(second.shares.items())),
        blind=blind and not (second.answers or second.errors),
    )


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """The least value that so many of all do not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
