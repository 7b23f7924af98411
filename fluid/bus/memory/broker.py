"""A broker inside the process: an engine, delivery to sinks, and faults on demand.

Delivery is never re-entrant: what the engine emits waits in one queue, and the outermost caller
empties it, so a sink that publishes does not run inside another sink. Sinks are called without
the lock, because they may take locks of their own.
"""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType

from fluid.bus.memory.engine import Engine, Saved
from fluid.bus.memory.link import MemoryLink, Schedule
from fluid.bus.memory.quirks import STANDARD, Quirks
from fluid.bus.protocol import Closed, CloseReason, LinkOptions, Message, Sink
from fluid.bus.rules import check_message


class MemoryBroker:
    """A deterministic MQTT 5 broker, by default one that does what the standard says.

    most_waiting: how many messages may wait in a session beyond those in flight; Mosquitto calls
    it `max_queued_messages`. What comes then is dropped, although its publisher had it confirmed.
    """

    def __init__(self, quirks: Quirks = STANDARD, *, most_waiting: int | None = None) -> None:
        self._engine = Engine(quirks, most_waiting=most_waiting)
        self._saved = Saved()
        self._lock = threading.RLock()
        self._turn = _Turn(self)
        self._running = True
        self._deliveries: deque[Callable[[], None]] = deque()
        self._delivering = False
        self._links: dict[str, MemoryLink] = {}  # the last one of each client id
        self._silent: dict[str, list[MemoryLink]] = {}

    # --- faults, and what else a test may want to happen --------------------------------------

    def kill(self, client_id: str) -> None:
        """The client's socket closes: LOST for its link, and its will is published."""
        self._open_link(client_id).kill()

    def expire_keepalive(self, client_id: str) -> None:
        """The broker gives up a silent client: the same, but the client hears of it later."""
        self.kill(client_id)

    def silence(self, client_id: str) -> None:
        """The client hangs: nothing reaches it and nothing leaves it. Its connection stays until
        `advance` has seen its keepalive run out."""
        link = self._open_link(client_id)
        link.silence()
        self._silent.setdefault(client_id, []).append(link)

    def revive(self, client_id: str) -> None:
        """Hung clients of that id go on: they hear what waited, and send what they held back.

        A client whose connection ended meanwhile hears that last, and what it sends is dropped.
        """
        for link in self._silent.pop(client_id, ()):
            link.revive()

    def stop(self, *, keep_sessions: bool) -> None:
        """No connection is left, and none is accepted.

        keep_sessions: an orderly stop, which publishes every will and saves retained messages
        and sessions; without it a crash of a broker without persistence, which forgets them and
        publishes none.
        """
        with self.turn() as engine:
            self._running = False
            if keep_sessions:
                engine.stop()
            else:
                engine.crash(Saved())

    def save(self) -> None:
        """Write retained messages and sessions to the disk, as Mosquitto does now and then."""
        with self._lock:
            self._saved = self._engine.saved()

    def crash(self) -> None:
        """A crash of a broker with persistence: no will is published, and what is left is as it
        was at the last `save`. What came since is gone, and what was done with since is back."""
        with self.turn() as engine:
            self._running = False
            engine.crash(self._saved)

    def start(self) -> None:
        """Accept connections again."""
        with self.turn():
            self._running = True

    def restart(self, *, keep_sessions: bool) -> None:
        """`stop` and `start`."""
        self.stop(keep_sessions=keep_sessions)
        self.start()

    def advance(self, now_s: float) -> None:
        """Set the broker's clock, which starts at 0: sessions and messages expire by it, and
        silent clients run out of keepalive."""
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

    def sent(self, client_id: str) -> list[Message]:
        """What a session was sent and has not acknowledged, connected or not."""
        with self._lock:
            session = self._engine.session(client_id)
            return [] if session is None else session.sent

    @property
    def runs(self) -> bool:
        """Whether connections are accepted."""
        return self._running

    @property
    def dropped(self) -> int:
        """How many confirmed messages found no room in a session."""
        return self._engine.dropped

    def _open_link(self, client_id: str) -> MemoryLink:
        with self._lock:
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

    def turn(self) -> AbstractContextManager[Engine]:
        """Work on the engine under the lock, then deliver what that brought about."""
        return self._turn

    def later(self, delivery: Callable[[], None]) -> None:
        """Queue a delivery; only inside a `turn`."""
        self._deliveries.append(delivery)

    def begin(self) -> Engine:
        self._lock.acquire()
        return self._engine

    def end(self, *, failed: bool) -> None:
        self._lock.release()
        if not failed:
            self._deliver()

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


class _Turn:
    """One object for all turns of a broker: they are many, and it has no state."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    def __enter__(self) -> Engine:
        return self._broker.begin()

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._broker.end(failed=error_type is not None)
