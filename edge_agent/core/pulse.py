"""Our own heartbeat: that we are alive, and how loaded; and whether the broker brings it back."""

from edge_agent.core.effects import Effect, PublishHeartbeat
from edge_agent.core.settings import Timing
from fluid.messages import Heartbeat

# What was at work for longer than a beat is told in the beats that follow its end, up to this much:
# else a device that runs one slow model after the other would seem idle between them.
_MOST_CARRIED_MS = 10_000.0


class _Meter:
    """Of something that works on one thing at a time: which share of an interval it was at work."""

    def __init__(self) -> None:
        self._told_ms = 0.0

    def share(self, total_ms: float, spent_ms: float) -> float:
        """total_ms: for how long it was at work until now. spent_ms: since this was asked last."""
        untold_ms = min(total_ms - self._told_ms, _MOST_CARRIED_MS)
        share = min(1.0, untold_ms / spent_ms)
        self._told_ms = total_ms - untold_ms + share * spent_ms
        return share


class Pulse:
    """Sends a heartbeat each `heartbeat_s`, and measures how busy this device is: whichever is
    more, the share of time that its interpreter was at work, or the thread that owns the state.
    With a small network, what goes on around it is most of the work.

    The thread's share is of the time between two of its reports, whenever these come: between two
    beats there may be none, or two.
    """

    def __init__(self, agent: str, timing: Timing) -> None:
        self._agent = agent
        self._timing = timing
        self._sequence = 0
        self._next_at: float | None = None
        self._unanswered = 0
        self._last_at = 0.0
        self._compute = _Meter()
        self._worked_ms = 0.0
        self._worked_at = 0.0
        self._state_share = 0.0
        self._busy = 0.0

    def start(self, now: float) -> None:
        """The control link is open: the first beat is due at once."""
        self._next_at = now

    def stop(self) -> None:
        """The control link is gone: nobody would hear a beat."""
        self._next_at = None
        self._unanswered = 0

    def came_back(self) -> None:
        """The broker brought us a beat of ours."""
        self._unanswered = 0

    def worked(self, total_ms: float, now: float) -> None:
        """For how long the thread that owns the state has been at work until now."""
        spent_ms = (now - self._worked_at) * 1000
        if spent_ms > 0:
            self._state_share = min(1.0, (total_ms - self._worked_ms) / spent_ms)
            self._worked_ms, self._worked_at = total_ms, now

    @property
    def unanswered_s(self) -> float:
        """For how long beats were sent and none came back.

        Counted in beats: while we hang ourselves none is sent, and the broker has done nothing.
        """
        return self._unanswered * self._timing.heartbeat_s

    def load(self, queue: int, incarnation: int) -> Heartbeat:
        """What the last beat said of the load, with the queue as it is."""
        return Heartbeat(self._agent, incarnation, self._sequence, queue, self._busy)

    def beat(
        self,
        now: float,
        *,
        queue: int,
        compute_ms_total: float,
        incarnation: int,
    ) -> list[Effect]:
        """A heartbeat if one is due."""
        if self._next_at is None or now < self._next_at:
            return []
        spent_ms = (now - self._last_at) * 1000
        if spent_ms > 0:
            self._busy = max(self._compute.share(compute_ms_total, spent_ms), self._state_share)
        self._last_at = now
        self._sequence += 1
        self._unanswered += 1
        self._next_at = now + self._timing.heartbeat_s
        return [PublishHeartbeat(self.load(queue, incarnation))]

    def next_deadline(self, now: float) -> float:
        """Never more than a beat away: it is also the pace of all upkeep."""
        longest = now + self._timing.heartbeat_s
        return longest if self._next_at is None else min(self._next_at, longest)
