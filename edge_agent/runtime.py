"""The shell around the core: one queue, one thread that owns the state, one clock.

Everything that happens is put on the queue: by the bus's threads, by the executor, by signal
handlers. The state thread takes one event at a time, steps the core, and carries out the effects
in order.
"""

import logging
import queue
import time
from collections.abc import Sequence
from dataclasses import dataclass

from edge_agent.core.effects import Compute, Effect, Exit, Note
from edge_agent.core.events import Event, LeaveRequested, Started, Tick
from edge_agent.core.node import Node
from edge_agent.core.settings import Settings
from edge_agent.executor import Executor
from edge_agent.switchboard import FromLink, Switchboard
from edge_agent.wire import Wire
from fluid.bundle import Bundle
from fluid.bus import Bus
from fluid.interpreter import InterpreterPackage

_log = logging.getLogger(__name__)
_GOODBYE_S = 3.0
_BROKER_FIELDS = frozenset({"broker", "next_broker"})  # of a note: the core counts, people read


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the agent ended: an exit status, and one line for people if it is not 0."""

    status: int
    message: str = ""


class Agent:
    """A running agent. `run` returns when it has ended."""

    def __init__(
        self,
        settings: Settings,
        bundle: Bundle,
        *,
        bus: Bus,
        wire: Wire,
        package: InterpreterPackage,
        fallbacks: Sequence[Bus] = (),
    ) -> None:
        """bus: to the preferred broker. fallbacks: to the others, in the order of preference."""
        self._buses = (bus, *fallbacks)
        self._inbox: queue.SimpleQueue[FromLink | Event] = queue.SimpleQueue()
        self._node = Node(settings)
        self._executor = Executor(bundle, package, post=self._inbox.put)
        self._switchboard = Switchboard(bus, wire, self._inbox.put, fallbacks=fallbacks)
        self._outcome: Outcome | None = None

    def leave(self) -> None:
        """Ask the agent to end in good order. May be called from a signal handler."""
        self._inbox.put(LeaveRequested())

    def run(self) -> Outcome:
        """Serve until told to leave, or until going on makes no sense."""
        self._executor.start()
        # Any number that usually grows between starts: a clock that was set back is outbid. In
        # microseconds, because two that start under one id at once must not get the same.
        self._step(Started(incarnation=time.time_ns() // 1000))
        try:
            while self._outcome is None:
                for event in self._next_events():
                    self._step(event)
        finally:
            self._switchboard.close()
            self._wait_for_links()
            self._executor.stop()
        return self._outcome

    def _wait_for_links(self) -> None:
        """Let the last words leave: the links' threads end with the process."""
        give_up_at = time.monotonic() + _GOODBYE_S
        while self._switchboard.has_links:
            try:
                item = self._inbox.get(timeout=max(0.0, give_up_at - time.monotonic()))
            except queue.Empty:
                _log.warning("not all connections could be closed in good order")
                return
            if isinstance(item, FromLink):
                self._switchboard.events(item)

    def _next_events(self) -> list[Event]:
        now = time.monotonic()
        try:
            item = self._inbox.get(timeout=max(0.0, self._node.next_deadline(now) - now))
        except queue.Empty:
            return [Tick()]
        return self._switchboard.events(item) if isinstance(item, FromLink) else [item]

    def _step(self, event: Event) -> None:
        for effect in self._node.step(event, time.monotonic()):
            self._perform(effect)

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Compute():
                self._executor.submit(effect)
            case Note():
                _write(effect, self._buses)
            case Exit(status, message):
                self._outcome = Outcome(status, message)
            case _:
                self._switchboard.perform(effect)


def _write(note: Note, buses: Sequence[Bus]) -> None:
    """One line an event, `name key=value ...`, for journald and people."""
    fields = {
        name: str(buses[int(value)]) if name in _BROKER_FIELDS else value
        for name, value in note.fields.items()
    }
    values = "".join(f" {name}={_quoted(value)}" for name, value in fields.items())
    _log.log(logging.WARNING if note.problem else logging.INFO, "%s%s", note.event, values)


def _quoted(value: str | float) -> str:
    text = str(value)
    return f'"{text}"' if " " in text else text
