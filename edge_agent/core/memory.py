"""What an agent remembers of requests that it does not hold.

Messages of one request come by several ways, so a share or a done notice may be here before the
request itself. Everything is kept for a bounded time and in bounded number, oldest out first.
"""

from collections import OrderedDict
from typing import Any

from fluid.messages import Partial

_MOST = 20_000


class Memory:
    """Early partials, early done notices and recently answered requests, by key."""

    def __init__(self, keep_s: float) -> None:
        self._keep_s = keep_s
        self._answered: OrderedDict[bytes, float] = OrderedDict()
        self._partials: OrderedDict[bytes, tuple[float, list[Partial]]] = OrderedDict()
        self._done: OrderedDict[bytes, float] = OrderedDict()

    def answered_together(self, key: bytes, now: float) -> None:
        """A request that reached every device has been answered by one of them."""
        self._answered[key] = now
        self._answered.move_to_end(key)
        _bound(self._answered)

    def was_answered_together(self, key: bytes) -> bool:
        return key in self._answered

    def keep_early_partial(self, partial: Partial, now: float) -> None:
        self._partials.setdefault(partial.key, (now, []))[1].append(partial)
        _bound(self._partials)

    def take_early_partials(self, key: bytes) -> list[Partial]:
        return self._partials.pop(key, (0.0, []))[1]

    def stale_partials(self, now: float, after_s: float) -> tuple[bytes, ...]:
        """Forget partials of requests that were answered already, and name the requests.

        Their senders still wait for a done notice: it was lost, or sent before they listened.
        """
        stale = []
        for key, (arrived_at, _) in self._partials.items():
            if now - arrived_at < after_s:
                break
            if key in self._answered:
                stale.append(key)
        for key in stale:
            del self._partials[key]
        return tuple(stale)

    def keep_early_done(self, key: bytes, now: float) -> None:
        """Note a notice that came before its request.

        Notices of equal requests count as one: two devices may have answered the same request,
        and what is taken for answered without need to be is lost.
        """
        self._done.setdefault(key, now)
        _bound(self._done)

    def forget_early_done(self) -> None:
        """What was said before requests came our way is of none that will come."""
        self._done.clear()

    def take_early_done(self, key: bytes, now: float) -> bool:
        """Whether a request that arrives now has been answered; uses up the done notice."""
        if self._done.pop(key, None) is None:
            return False
        self.answered_together(key, now)
        return True

    def expire(self, now: float) -> None:
        """Forget what is older than the time to keep."""
        before = now - self._keep_s
        while self._answered and next(iter(self._answered.values())) < before:
            self._answered.popitem(last=False)
        while self._done and next(iter(self._done.values())) < before:
            self._done.popitem(last=False)
        while self._partials and next(iter(self._partials.values()))[0] < before:
            self._partials.popitem(last=False)


def _bound(entries: OrderedDict[bytes, Any]) -> None:
    while len(entries) > _MOST:
        entries.popitem(last=False)
