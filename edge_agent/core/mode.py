"""High-accuracy or high-throughput: the leader's choice.

An operator's word stands above the members' votes, votes above the automatic choice. Where as many
vote for one mode as for the other, the load decides.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from edge_agent.core.settings import Timing
from fluid.messages import Mode
from fluid.messages.control import DEFAULT_IN_FLIGHT

# HA cannot keep up where one device computes all the time and its queue grows. It cannot grow
# beyond what the device asks the broker for.
_OVERLOAD_BUSY = 0.9
_OVERLOAD_QUEUE = 16
# Once it holds nearly all that it asks for, less than that will do: a processor that others share,
# or that is limited, leaves a device idle while there is work. But one that is hardly busy waits
# for another that is stuck, and HT would not help it.
_FULL = 0.9
_LEAST_FULL = 2  # one alone is no queue: it may be the only one there is
_OVERLOAD_BUSY_IF_FULL = 0.5
# HA fits again when its busiest device would have room to spare.
_UNDERLOAD_BUSY = 0.6
# A return to HA that does not last so many times as long as was waited for it was a mistake.
_LASTING = 10
_MOST_PATIENCE_S = 600.0


@dataclass(frozen=True, slots=True)
class Load:
    """One member: what it holds, what it can do and what it does.

    slots: those that it holds, of the bundle whose digest is `bundle`. queue, busy: as in its
    heartbeat.
    """

    queue: int
    busy: float
    bundle: str = ""
    slots: tuple[str, ...] = ()
    capacity: float = 1.0
    in_flight: int = DEFAULT_IN_FLIGHT

    @property
    def is_overloaded(self) -> bool:
        if self.queue >= max(_LEAST_FULL, _FULL * self.in_flight):
            return self.busy >= _OVERLOAD_BUSY_IF_FULL
        threshold = max(1, min(_OVERLOAD_QUEUE, self.in_flight // 2))
        return self.busy >= _OVERLOAD_BUSY and self.queue >= threshold


def busiest_in_ha(loads: Sequence[Load]) -> float:
    """How busy the busiest device would be in HA, by what all of them do in HT; above 1: too busy.

    In HT a device answers its own images with all slots that it holds. In HA each image needs
    every slot, and the holders of a slot share the images by capacity. So with one slot for each
    device this is the work of all, over what the least replicated slot has of capacity. Slots are
    taken to cost the same.
    """
    # In images: what one device of capacity 1 would need for one slot of each.
    images = sum(load.busy * load.capacity / len(load.slots) for load in loads if load.slots)
    capacities: dict[tuple[str, str], float] = defaultdict(float)
    for load in loads:
        for slot in load.slots:
            capacities[load.bundle, slot] += load.capacity
    shares = (sum(1 / capacities[load.bundle, slot] for slot in load.slots) for load in loads)
    return images * max(shares, default=0.0)


class ModeChoice:
    """Remembers since when the load has spoken for a change (hysteresis), and whether the last
    return to HA lasted."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._since: float | None = None
        self._returned_at: float | None = None
        self._return_after_s = timing.underload_s

    def reset(self) -> None:
        """Somebody else decides: what the load has said so far is of the past."""
        self._since = None
        self._returned_at = None
        self._return_after_s = self._timing.underload_s

    def choose(
        self,
        current: Mode,
        *,
        operator: Mode,
        votes: Sequence[Mode],
        loads: Sequence[Load],
        now: float,
    ) -> Mode:
        """The mode from now on: HA or HT."""
        fixed = operator if operator is not Mode.AUTO else _majority(votes)
        if fixed is not None:
            self.reset()
            return fixed
        return self._by_load(current, loads, now)

    def _by_load(self, current: Mode, loads: Sequence[Load], now: float) -> Mode:
        if current is Mode.HA:
            wanted, patience_s = Mode.HT, self._timing.overload_s
            speaks = any(load.is_overloaded for load in loads)
        else:
            wanted, patience_s = Mode.HA, self._return_after_s
            speaks = busiest_in_ha(loads) <= _UNDERLOAD_BUSY
        if not speaks:
            self._since = None
            return current
        if self._since is None:
            self._since = now
        if now - self._since < patience_s:
            return current
        self._since = None
        self._learn(wanted, now)
        return wanted

    def _learn(self, wanted: Mode, now: float) -> None:
        """Wait longer before the next return to HA if the last one did not last.

        The estimate knows neither what slots really cost nor whether capacities are true: where
        it errs, the mode must not go back and forth for ever.
        """
        if wanted is Mode.HA:
            self._returned_at = now
            return
        returned_at, self._returned_at = self._returned_at, None
        too_soon = returned_at is not None and now - returned_at < _LASTING * self._return_after_s
        longer_s = min(2 * self._return_after_s, _MOST_PATIENCE_S)
        self._return_after_s = longer_s if too_soon else self._timing.underload_s


def _majority(votes: Sequence[Mode]) -> Mode | None:
    """The mode that more members ask for than the other; None where there is no such one."""
    balance = sum(vote is Mode.HT for vote in votes) - sum(vote is Mode.HA for vote in votes)
    if balance == 0:
        return None
    return Mode.HT if balance > 0 else Mode.HA
