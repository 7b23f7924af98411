"""A broker inside the process: an engine, delivery to sinks, and faults on demand.

Delivery is never re-entrant: what the engine emits waits in one queue, and the outermost caller
empties it, so a sink that publishes does not run inside another sink. Sinks are called without
the lock, because they may take locks of their own.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fluid.bus.memory.engine import Engine
from fluid.bus.memory.link import MemoryLink, Schedule
from fluid.bus.memory.quirks import STANDARD, Quirks
from fluid.bus.protocol import Closed, CloseReason, LinkOptions, Message, Sink
from fluid.bus.rules import check_message


class MemoryBroker:
    """A deterministic MQTT 5 broker, by default one that does what the standard says."""

    def __init__(self, quirks: Quirks = STANDARD) -> None:
        self._engine = Engine(quirks)
        self._lock = threading.RLock()
        self._running = True
        self._deliveries: deque[Callable[[], None]] = deque()
        self._delivering = False
        self._links: dict[str, MemoryLink] = {}  # the last one of each client id
        self._silent: dict[str, list[MemoryLink]] = {}

    # --- faults, and what else a test may want to happen --------------------------------------

    def kill(self, client_id: str) -> None:
        """The client's socket closes: LOST for its link, and its will is published."""
        with self.turn() as engine:
            engine.disconnect(self._open_link(client_id), CloseReason.LOST, fires_will=True)

    def expire_keepalive(self, client_id: str) -> None:
        """The broker gives up a silent client: the same, but the client hears of it later."""
        self.kill(client_id)

    def silence(self, client_id: str) -> None:
        """The client hangs: nothing reaches it and nothing leaves it; its connection stays."""
        with self.turn():
            link = self._open_link(client_id)
            link.hang()
            self._silent.setdefault(client_id, []).append(link)

    def revive(self, client_id: str) -> None:
        """Hung clients of that id go on: they hear what waited, and send what they held back.

        A client whose connection ended meanwhile hears that last, and what it sends is dropped.
        """
        with self.turn() as engine:
            for link in self._silent.pop(client_id, ()):
                link.go_on(engine)

    def stop(self, *, keep_sessions: bool) -> None:
        """No connection is left, and none is accepted.

        keep_sessions: an orderly stop, which publishes every will and saves retained messages
        and sessions; without it a crash, which forgets them and publishes none.
        """
        with self.turn() as engine:
            self._running = False
            engine.stop(keeps_state=keep_sessions)

    def start(self) -> None:
        """Accept connections again."""
        with self.turn():
            self._running = True

    def restart(self, *, keep_sessions: bool) -> None:
        """`stop` and `start`."""
        self.stop(keep_sessions=keep_sessions)
        self.start()

    def advance(self, now_s: float) -> None:
        """Set the broker's clock, which starts at 0: sessions and messages expire by it."""
        with self.turn() as engine:
            engine.advance(now_s)

    def retained(self, topic: str) -> Message | None:
        """The retained message of a topic."""
        with self._lock:
            return self._engine.retained(topic)

    def backlog(self, client_id: str) -> int | None:
        """How many QoS 1 messages a session holds unacknowledged; None: there is no session."""
        with self._lock:
            session = self._engine.session(client_id)
            return None if session is None else session.backlog

    def _open_link(self, client_id: str) -> MemoryLink:
        link = self._links.get(client_id)
        if link is None or not self._engine.is_open(link):
            raise LookupError(f"client {client_id!r} is not connected")
        return link

    # --- for links ----------------------------------------------------------------------------

    def open(self, options: LinkOptions, sink: Sink, schedule: Schedule | None) -> MemoryLink:
        """Connect a client; see `MemoryBus`."""
        if options.will is not None:
            check_message(options.will)
        link = MemoryLink(self, options, sink, schedule)
        with self.turn() as engine:
            if self._running:
                self._links[options.client_id] = link
                engine.connect(link)
            else:
                link.emit(Closed(CloseReason.UNREACHABLE, "the broker does not run"))
        return link

    @contextmanager
    def turn(self) -> Iterator[Engine]:
        """Work on the engine under the lock, then deliver what that brought about."""
        with self._lock:
            yield self._engine
        self._deliver()

    def later(self, delivery: Callable[[], None]) -> None:
        """Queue a delivery; only inside a `turn`."""
        self._deliveries.append(delivery)

    def _deliver(self) -> None:
        """Empty the queue, unless a caller further up, or another thread, is about it."""
        while True:
            with self._lock:
                if self._delivering or not self._deliveries:
                    return
                self._delivering = True
                delivery = self._deliveries.popleft()
            try:
                delivery()
            finally:
                self._delivering = False
