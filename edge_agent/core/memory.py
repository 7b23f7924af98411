"""What an agent remembers of requests that it does not hold.

Messages of one request come by several ways, so a share or a done notice may be here before the
request itself. Everything is kept for a bounded time and in bounded number, oldest out first.
"""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import Any

from fluid.messages import Feature, Partial

_MOST = 20_000
_MOST_BYTES = 32 * 1024 * 1024
_LATE_DONE_S = 5.0  # a broker that stalls for longer is left, or its links end


class Memory:
    """Early partials, early done notices and recently answered requests, by key."""

    def __init__(self, keep_s: float) -> None:
        self._keep_s = keep_s
        self._answered: OrderedDict[bytes, tuple[float, bool]] = OrderedDict()
        # By key, each with the moment of its arrival; in the order of the first of each.
        self._partials: OrderedDict[bytes, list[tuple[float, Partial | Feature]]] = OrderedDict()
        self._partial_bytes = 0
        self._done: OrderedDict[bytes, float] = OrderedDict()
        self._trusts_done_from = 0.0

    def clear(self) -> None:
        """Forget all."""
        self._answered.clear()
        self._partials.clear()
        self._partial_bytes = 0
        self._done.clear()

    def answered_together(self, key: bytes, now: float, *, unique: bool) -> None:
        """A request that reached every device has been answered by one of them."""
        self._answered[key] = (now, unique)
        self._answered.move_to_end(key)
        _bound(self._answered)

    def was_answered_together(self, key: bytes) -> bool:
        return key in self._answered

    def keep_early_partial(self, partial: Partial | Feature, now: float) -> None:
        """Keep one share or feature map of each stage of each bundle, in as many bytes as a device
        can spare."""
        known = self._partials.setdefault(partial.key, [])
        if all((partial.stage, partial.bundle) != (each.stage, each.bundle) for _, each in known):
            known.append((now, partial))
            self._partial_bytes += partial.size_bytes
        while self._partial_bytes > _MOST_BYTES or len(self._partials) > _MOST:
            self.take_early_partials(next(iter(self._partials)))

    def take_early_partials(self, key: bytes) -> list[Partial | Feature]:
        partials = [partial for _, partial in self._partials.pop(key, [])]
        self._partial_bytes -= sum(partial.size_bytes for partial in partials)
        return partials

    def oldest_partial_at(self) -> float | None:
        """When the oldest of the early partials came."""
        oldest = next(iter(self._partials.values()), None)
        return None if oldest is None else oldest[0][0]

    def take_settled(self, now: float, *, after_s: float) -> tuple[bytes, ...]:
        """Forget stale partials of requests that were answered already, and name the requests.

        Their senders still wait for a done notice: it was lost, or sent before they listened. Of
        equal requests nobody can tell whether it was this one: theirs may never have reached us.
        """
        settled = tuple(
            key for key in self._stale(now, after_s) if self._answered.get(key, (0.0, False))[1]
        )
        for key in settled:
            self.take_early_partials(key)
        return settled

    def take_unheard(
        self, now: float, *, after_s: float, senders: Collection[str] | None = None
    ) -> dict[bytes, str]:
        """Forget stale partials of requests that never reached us; their senders, by request.

        senders: whose; None for everybody's.
        """
        unheard = {}
        for key in self._stale(now, after_s):
            for _, partial in self._partials[key]:
                if senders is None or partial.sender in senders:
                    unheard[key] = partial.sender
        for key in unheard:
            self.take_early_partials(key)
        return unheard

    def take_overtaken(
        self, now: float, *, after_s: float, caught_up: Mapping[str, float]
    ) -> dict[bytes, str]:
        """Forget stale partials that came before their sender was caught up with, at the moment
        that `caught_up` gives for it; their senders, by request."""
        overtaken = {
            key: partial.sender
            for key in self._stale(now, after_s)
            for arrived_at, partial in self._partials[key]
            if caught_up.get(partial.sender, 0.0) > arrived_at
        }
        for key in overtaken:
            self.take_early_partials(key)
        return overtaken

    def _stale(self, now: float, after_s: float) -> list[bytes]:
        stale = []
        for key, partials in self._partials.items():
            if now - partials[0][0] < after_s:
                break
            stale.append(key)
        return stale

    def keep_early_done(self, key: bytes, now: float) -> None:
        """Note a notice that came before its request.

        Notices of equal requests count as one: two devices may have answered the same request,
        and what is taken for answered without need to be is lost.
        """
        self._done.setdefault(key, now)
        _bound(self._done)

    def forget_early_done(self, now: float) -> None:
        """What was said before requests came our way is of none that will come; nor, for a while,
        is what was said before and comes only now."""
        self._done.clear()
        self._trusts_done_from = now + _LATE_DONE_S

    def take_early_done(
        self, key: bytes, now: float, *, unique: bool, may_recur: bool = False
    ) -> bool:
        """Whether a request that arrives now has been answered; uses up the done notice.

        may_recur: others may have the same key, as their sender gives them no ids. Of such a late
        notice may be of one that never came our way.
        """
        said_at = self._done.pop(key, None)
        if said_at is None or (may_recur and said_at < self._trusts_done_from):
            return False
        self.answered_together(key, now, unique=unique)
        return True

    def expire(self, now: float) -> None:
        """Forget what is older than the time to keep."""
        before = now - self._keep_s
        while self._answered and next(iter(self._answered.values()))[0] < before:
            self._answered.popitem(last=False)
        while self._done and next(iter(self._done.values())) < before:
            self._done.popitem(last=False)
        while self._partials and next(iter(self._partials.values()))[0][0] < before:
            self.take_early_partials(next(iter(self._partials)))


def _bound(entries: OrderedDict[bytes, Any]) -> None:
    while len(entries) > _MOST:
        entries.popitem(last=False)
