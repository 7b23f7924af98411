"""Our own heartbeat: that we are alive, and how loaded; and whether the broker brings it back."""

from edge_agent.core.effects import Effect, PublishHeartbeat
from edge_agent.core.settings import Timing
from fluid.messages import Heartbeat

# An inference that takes longer than a beat is spread over the beats that follow its end, up to
# this much: else a device that runs one slow model after the other would seem idle between them.
_MOST_CARRIED_MS = 10_000.0


class Pulse:
    """Sends a heartbeat each `heartbeat_s`, and measures the share of time spent computing."""

    def __init__(self, agent: str, timing: Timing) -> None:
        self._agent = agent
        self._timing = timing
        self._sequence = 0
        self._next_at: float | None = None
        self._unanswered = 0
        self._last_at = 0.0
        self._told_compute_ms = 0.0
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
        self, now: float, *, queue: int, compute_ms_total: float, incarnation: int
    ) -> list[Effect]:
        """A heartbeat if one is due."""
        if self._next_at is None or now < self._next_at:
            return []
        spent_ms = (now - self._last_at) * 1000
        untold_ms = min(compute_ms_total - self._told_compute_ms, _MOST_CARRIED_MS)
        if spent_ms > 0:
            self._busy = min(1.0, untold_ms / spent_ms)
        carried_ms = untold_ms - self._busy * max(0.0, spent_ms)
        self._last_at, self._told_compute_ms = now, compute_ms_total - carried_ms
        self._sequence += 1
        self._unanswered += 1
        self._next_at = now + self._timing.heartbeat_s
        return [PublishHeartbeat(self.load(queue, incarnation))]

    def next_deadline(self, now: float) -> float:
        """Never more than a beat away: it is also the pace of all upkeep."""
        longest = now + self._timing.heartbeat_s
        return longest if self._next_at is None else min(self._next_at, longest)
