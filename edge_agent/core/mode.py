"""High-accuracy or high-throughput: the leader's choice.

An operator's word stands above the members' votes, votes above the automatic choice.
"""

from collections.abc import Sequence

from edge_agent.core.settings import Timing
from fluid.messages import Heartbeat, Mode

# HA cannot keep up where one device computes all the time and its queue grows.
_OVERLOAD_BUSY = 0.9
_OVERLOAD_QUEUE = 16
# In HT each device answers its own share; in HA each would have to do all of it. So HA fits
# again when the shares together leave a device room.
_UNDERLOAD_BUSY_TOTAL = 0.6


class ModeChoice:
    """Remembers since when the load has spoken for a change (hysteresis)."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._since: float | None = None

    def choose(
        self,
        current: Mode,
        *,
        operator: Mode,
        votes: Sequence[Mode],
        loads: Sequence[Heartbeat],
        now: float,
    ) -> Mode:
        """The mode from now on: HA or HT."""
        fixed = operator if operator is not Mode.AUTO else _majority(votes)
        if fixed is not None:
            self._since = None
            return fixed
        return self._by_load(current, loads, now)

    def _by_load(self, current: Mode, loads: Sequence[Heartbeat], now: float) -> Mode:
        if current is Mode.HA:
            wanted, patience_s = Mode.HT, self._timing.overload_s
            speaks = any(
                load.busy >= _OVERLOAD_BUSY and load.queue >= _OVERLOAD_QUEUE for load in loads
            )
        else:
            wanted, patience_s = Mode.HA, self._timing.underload_s
            speaks = sum(load.busy for load in loads) <= _UNDERLOAD_BUSY_TOTAL
        if not speaks:
            self._since = None
            return current
        if self._since is None:
            self._since = now
        if now - self._since < patience_s:
            return current
        self._since = None
        return wanted


def _majority(votes: Sequence[Mode]) -> Mode | None:
    """The mode that more members ask for than the other; None where there is no such one."""
    balance = sum(vote is Mode.HT for vote in votes) - sum(vote is Mode.HA for vote in votes)
    if balance == 0:
        return None
    return Mode.HT if balance > 0 else Mode.HA
