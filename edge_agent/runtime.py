"""The shell around the core: one inbox, one thread that owns the state, one clock.

Everything that happens is put into the inbox: by the bus's threads, by the executor, by the bundle
loader, by signal handlers. The state thread takes what is there, steps the core with one event
after the other, and carries out the effects in order. Under load several events are taken at once,
so that what is said about them can share messages; with nothing else waiting, none waits.

An agent whose threads do not all run must not look alive: if one ends unexpectedly, the agent ends,
and whatever supervises it starts it again.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from edge_agent.admission import MOST_AFTER_THAT, Admission
from edge_agent.batch import handle
from edge_agent.bundle_loader import BundleLoader
from edge_agent.bundle_source import BundleSource
from edge_agent.coalescing import coalesce
from edge_agent.core.effects import Compute, Effect, Exit, Note, RunBundle
from edge_agent.core.events import (
    BundleLoaded,
    ClusterSeen,
    Event,
    LeaveRequested,
    Started,
    Tick,
    Worked,
)
from edge_agent.core.node import Node
from edge_agent.core.settings import Settings
from edge_agent.executor import Executor
from edge_agent.inbox import Inbox
from edge_agent.log_event import LogEvent
from edge_agent.logs import write_note
from edge_agent.models import Models
from edge_agent.observer import Observer, View
from edge_agent.occupation import Occupation
from edge_agent.switchboard import FromLink, Switchboard
from edge_agent.urgency import can_wait
from edge_agent.wire import Wire
from fluid.bundle import Bundle
from fluid.bus import Bus
from fluid.interpreter import InterpreterPackage

EXIT_FAILED = 1
_log = logging.getLogger(__name__)
_GOODBYE_S = 3.0
_BEAT_S = 0.5
_LEAST_LEISURE_S = 0.0002  # about what falling asleep and waking up takes
_BROKER_FIELDS = frozenset({"broker", "next_broker"})  # of a note: the core counts, people read


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the agent ended: an exit status, and one line for people if it is not 0."""

    status: int
    message: str = ""


@dataclass(frozen=True, slots=True)
class ThreadFailed:
    """A thread of ours has ended of an exception; `reason` is one line."""

    reason: str


_Item = FromLink | Event | Models | ThreadFailed


class Agent:
    """A running agent. `run` returns when it has ended."""

    def __init__(  # noqa: PLR0913 - what it works with, all by name
        self,
        settings: Settings,
        bundle: Bundle,
        *,
        bus: Bus,
        wire: Wire,
        package: InterpreterPackage,
        fallbacks: Sequence[Bus] = (),
        source: BundleSource | None = None,
        observers: Sequence[Observer] = (),
        reloaded: Callable[[], None] = lambda: None,
    ) -> None:
        """bus: to the preferred broker. fallbacks: to the others, in the order of preference.
        source: where to look for another bundle; without it, none is looked for. reloaded: called
        from another thread when a `reload` is done, whatever came of it.
        """
        self._buses = (bus, *fallbacks)
        self._inbox: Inbox[_Item] = Inbox(can_wait=can_wait)
        self._node = Node(settings)
        self._executor = Executor(bundle, package, post=self._inbox.put, failed=self.fail)
        self._switchboard = Switchboard(bus, wire, self._inbox.put_patiently, fallbacks=fallbacks)
        self._loader = (
            BundleLoader(
                source,
                bundle,
                package,
                post=self._inbox.put,
                expect_fitting=settings.expect_fitting,
                answered=reloaded,
            )
            if source
            else None
        )
        self._loaded: dict[str, Models] = {}
        self._observers = tuple(observers)
        self._next_beat_at = 0.0
        self._outcome: Outcome | None = None

    def leave(self) -> None:
        """Ask the agent to end in good order. May be called from a signal handler."""
        self._inbox.put(LeaveRequested())

    def reload(self) -> None:
        """Ask for the bundle that lies in its place now. May be called from a signal handler."""
        if self._loader is not None:
            self._loader.ask()

    def fail(self, reason: str) -> None:
        """End the agent, because a thread of its own has ended. May be called from any thread."""
        self._inbox.put(ThreadFailed(reason))

    def run(self) -> Outcome:
        """Serve until told to leave, or until going on makes no sense."""
        self._executor.start()
        if self._loader is not None:
            self._loader.start()
        try:
            outcome = self._serve()
        except Exception as error:  # noqa: BLE001 - whatever it is, the agent says so and ends
            _log.exception("the state thread failed")
            outcome = Outcome(EXIT_FAILED, f"the state thread failed: {error!r}")
        # Others must not take us for alive: where we did not say goodbye ourselves, the will does.
        self._switchboard.close(send_will=outcome.status == EXIT_FAILED)
        self._wait_for_links()
        self._inbox.close()
        if self._loader is not None:
            self._loader.stop()
        self._executor.stop()
        return outcome

    def _serve(self) -> Outcome:
        # Any number that usually grows between starts: a clock that was set back is outbid. In
        # microseconds, because two that start under one id at once must not get the same.
        self._perform(self._step(Started(incarnation=time.time_ns() // 1000)))
        occupation = Occupation(time.monotonic())
        admission = Admission()
        while self._outcome is None:
            now = time.monotonic()
            timeout_s = max(0.0, self._node.next_deadline() - now)
            occupation.waits(now)
            holds_back = self._node.holds_back
            alone_s = admission.keeps_out_s(holds_back=holds_back, now=now)
            if alone_s:
                items = self._inbox.take(timeout_s=min(timeout_s, alone_s), only_pressing=True)
            elif holds_back:
                items = self._inbox.take(timeout_s=timeout_s, most=MOST_AFTER_THAT)
            else:
                self._let_gather(timeout_s)
                items = self._inbox.take(timeout_s=timeout_s)
            now = time.monotonic()
            occupation.works(now)
            if (worked_ms := occupation.report_ms(now)) is not None:
                items.insert(0, Worked(worked_ms))  # until now, and not until all that is done
            self._handle(items or [Tick()])
        return self._outcome

    def _let_gather(self, longest_s: float) -> None:
        """Wait for more, while the executor has enough to do; not if more is here than is taken at
        once."""
        if self._inbox.has_left:
            return
        leisure_s = min(longest_s, self._executor.leisure_s())
        if leisure_s >= _LEAST_LEISURE_S:
            time.sleep(leisure_s)

    def _wait_for_links(self) -> None:
        """Let the last words leave: the links' threads end with the process."""
        give_up_at = time.monotonic() + _GOODBYE_S
        while self._switchboard.has_links:
            items = self._inbox.take(timeout_s=max(0.0, give_up_at - time.monotonic()))
            if not items:
                _log.warning(LogEvent("links_not_closed"))
                return
            for item in items:
                if isinstance(item, FromLink):
                    self._switchboard.events(item)

    def _handle(self, items: list[_Item]) -> None:
        """Step the core with each, then carry out together what is to be done."""
        handle(items, events=self._events, step=self._step, perform=self._perform)
        self._loaded.clear()  # what the core wanted of it, the executor has

    def _events(self, item: _Item) -> list[Event]:
        match item:
            case FromLink():
                return self._switchboard.events(item)
            case Models():
                self._loaded[item.digest] = item
                return [BundleLoaded(item.manifest, item.digest)]
            case ThreadFailed(reason):
                self._outcome = self._outcome or Outcome(EXIT_FAILED, reason)
                return []
            case _:
                return [item]

    def _step(self, event: Event) -> tuple[Effect, ...]:
        if self._outcome:
            return ()  # nothing that comes is of interest any more
        now = time.monotonic()
        effects = self._node.step(event, now)
        # Before what it says is logged: each line carries the term of its moment.
        if now >= self._next_beat_at or isinstance(event, ClusterSeen):
            self._show(now)
        for observer in self._observers:
            observer.observe(event, effects, now)
        return effects

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

    def _perform(self, effects: list[Effect] | tuple[Effect, ...]) -> None:
        if effects:
            with self._switchboard.together():
                self._carry_out(coalesce(effects))

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Compute():
                    self._executor.submit(effect)
                case RunBundle(digest):
                    self._executor.use(self._loaded[digest])
                case Note():
                    write_note(self._with_addresses(effect))
                case Exit(status, message):
                    self._outcome = self._outcome or Outcome(status, message)
                case _:
                    self._switchboard.perform(effect)

    def _with_addresses(self, note: Note) -> Note:
        """The core counts brokers; people read their addresses."""
        if _BROKER_FIELDS.isdisjoint(note.fields):
            return note
        fields = {
            name: str(self._buses[int(value)]) if name in _BROKER_FIELDS else value
            for name, value in note.fields.items()
        }
        return replace(note, fields=fields)
