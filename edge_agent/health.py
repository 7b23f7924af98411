"""Whether an agent is well, as whoever supervises it wants to know. Pure: the time is told.

Well is who does its work or knows why it cannot. To look for a broker that is down is well: to be
started again would help nobody. Not well is an agent that believes it is connected and whose own
heartbeats do not come back, or whose interpreter does not come back.
"""

from collections.abc import Sequence

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.core.effects import Effect
from edge_agent.core.events import Event, LinkName

# A broker that stalls is waited for until keepalive (5 s, and half as much again) ends the
# connection; only then does it say something about us.
ECHO_BOUND_S = 10.0
# A batch of 256 images of a model that takes a second each: slow, and no fault.
JOB_BOUND_S = 300.0


class Health:
    """Of the agent with this id, from what happens to its core."""

    def __init__(self, agent: str) -> None:
        self._agent = agent
        self._heard_at: float | None = None  # the last echo, or when the connection was opened
        self._jobs = 0
        self._job_since = 0.0

    @property
    def is_connected(self) -> bool:
        return self._heard_at is not None

    def take(self, event: Event, effects: Sequence[Effect], now: float) -> None:
        """One step of the core."""
        match event:
            case seen.LinkOpened(LinkName.CONTROL):
                self._heard_at = now
            case seen.LinkClosed(LinkName.CONTROL):
                self._heard_at = None
            case seen.HeartbeatSeen(heartbeat):
                if heartbeat.agent == self._agent and self.is_connected:
                    self._heard_at = now
            case seen.Computed() | seen.ComputeFailed():
                self._jobs -= 1
                self._job_since = now  # the next has begun
        for effect in effects:
            match effect:
                case do.Compute():
                    self._job_since = now if self._jobs == 0 else self._job_since
                    self._jobs += 1
                case do.DropLink(LinkName.CONTROL) | do.OpenControl():
                    self._heard_at = None  # it is on its way to another broker

    def ailment(self, now: float) -> str:
        """What is wrong; "" while nothing is."""
        if self._jobs and now - self._job_since > JOB_BOUND_S:
            return f"the interpreter has not come back for {now - self._job_since:.0f} s"
        if self._heard_at is not None and now - self._heard_at > ECHO_BOUND_S:
            return (
                f"connected, but its own heartbeats have not come back for "
                f"{now - self._heard_at:.0f} s: may it read them at the broker?"
            )
        return ""
