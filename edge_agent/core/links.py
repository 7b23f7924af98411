"""When to connect again: the two links and their backoff."""

from dataclasses import dataclass
from enum import Enum, auto

from edge_agent.core.events import LinkName
from edge_agent.core.settings import Timing


class LinkState(Enum):
    CLOSED = auto()
    OPENING = auto()
    OPEN = auto()


@dataclass(slots=True)
class _Connection:
    state: LinkState = LinkState.CLOSED
    failures: int = 0
    reopen_at: float | None = None
    was_open: bool = False
    opened_at: float | None = None


class Links:
    """The state of both links."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._connections = {name: _Connection() for name in LinkName}

    def is_open(self, link: LinkName) -> bool:
        return self._connections[link].state is LinkState.OPEN

    def was_open(self, link: LinkName) -> bool:
        """Whether it has ever been open: before, a refusal is a mistake in the set-up."""
        return self._connections[link].was_open

    def due(self, link: LinkName, now: float) -> bool:
        """Whether to open it now."""
        connection = self._connections[link]
        return connection.state is LinkState.CLOSED and now >= (connection.reopen_at or 0.0)

    def opening(self, link: LinkName) -> None:
        self._connections[link].state = LinkState.OPENING

    def opened(self, link: LinkName, now: float) -> None:
        connection = self._connections[link]
        connection.state = LinkState.OPEN
        connection.was_open = True
        connection.opened_at = now

    def closed(self, link: LinkName, now: float) -> float:
        """Note the end of a connection; returns the pause before the next, in seconds."""
        connection = self._connections[link]
        opened_at, connection.opened_at = connection.opened_at, None
        if opened_at is not None and now - opened_at >= self._timing.reconnect_most_s:
            # Only what held for a while was a success: a broker may open and close at once.
            connection.failures = 0
        doubled_s = self._timing.reconnect_first_s * float(2**connection.failures)
        pause_s = min(doubled_s, self._timing.reconnect_most_s)
        connection.failures = min(connection.failures + 1, 10)
        connection.state = LinkState.CLOSED
        connection.reopen_at = now + pause_s
        return pause_s

    def next_deadline(self, now: float) -> float | None:
        """When the next closed link may be opened."""
        times = [
            connection.reopen_at
            for connection in self._connections.values()
            if connection.state is LinkState.CLOSED
            and connection.reopen_at is not None
            and connection.reopen_at > now
        ]
        return min(times, default=None)
