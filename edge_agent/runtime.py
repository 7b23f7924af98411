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
from edge_agent.core.events import ClusterSeen, Event, LeaveRequested, Started, Tick
from edge_agent.core.node import Node
from edge_agent.core.settings import Settings
from edge_agent.executor import Executor
from edge_agent.log_event import LogEvent
from edge_agent.logs import write_note
from edge_agent.observer import Observer, View
from edge_agent.switchboard import FromLink, Switchboard
from edge_agent.wire import Wire
from fluid.bundle import Bundle
from fluid.bus import Bus
from fluid.interpreter import InterpreterPackage

_log = logging.getLogger(__name__)
_GOODBYE_S = 3.0
_BEAT_S = 0.5


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
        observers: Sequence[Observer] = (),
    ) -> None:
        self._inbox: queue.SimpleQueue[FromLink | Event] = queue.SimpleQueue()
        self._node = Node(settings)
        self._executor = Executor(bundle, package, post=self._inbox.put)
        self._switchboard = Switchboard(bus, wire, self._inbox.put)
        self._observers = tuple(observers)
        self._next_beat_at = 0.0
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
                _log.warning(LogEvent("links_not_closed"))
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
        now = time.monotonic()
        effects = self._node.step(event, now)
        # Before what it says is logged: each line carries the term of its moment.
        if now >= self._next_beat_at or isinstance(event, ClusterSeen):
            self._show(now)
        for effect in effects:
            self._perform(effect)
        for observer in self._observers:
            observer.observe(event, effects, now)

    def _show(self, now: float) -> None:
        self._next_beat_at = now + _BEAT_S
        if not self._observers:
            return
        node = self._node
        view = View(
            state=node.cluster_state,
            leads=node.leads,
            serving=node.serving_mode,
            held=node.held_requests,
            malformed=self._switchboard.malformed,
        )
        for observer in self._observers:
            observer.beat(view)

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Compute():
                self._executor.submit(effect)
            case Note():
                write_note(effect)
            case Exit(status, message):
                self._outcome = Outcome(status, message)
            case _:
                self._switchboard.perform(effect)
