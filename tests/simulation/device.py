"""A simulated device: the real core, wire and switchboard, with simulated time and interpreter."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from edge_agent.batch import handle
from edge_agent.coalescing import coalesce
from edge_agent.core.edition import Edition
from edge_agent.core.effects import (
    Compute,
    Effect,
    Exit,
    Note,
    OpenControl,
    RunBundle,
    WriteAttempt,
)
from edge_agent.core.events import (
    AdoptionOpened,
    AdoptionRequest,
    AttemptSeen,
    BundleLoaded,
    Computed,
    Event,
    LeaveRequested,
    LinkName,
    LinkOpened,
    RequestArrived,
    Started,
    Tick,
)
from edge_agent.core.node import Node
from edge_agent.core.settings import Settings
from edge_agent.switchboard import FromLink, Switchboard
from edge_agent.wire import SessionOptions, Wire
from fluid.messages import Role
from fluid.topics import Topics
from tests.simulation.bundle import edition_of, simulated_run
from tests.simulation.network import Network

if TYPE_CHECKING:
    from tests.simulation.world import World

COMPUTE_S = 0.005
_LOADED_AFTER_S = 0.3
# How often, and how long, a device is about something while things come for it.
_BUSY = 0.1
_MOST_BUSY_S = 0.003
_CLOCK_AT_START_S = 1_000_000.0


@dataclass(frozen=True, slots=True)
class Build:
    """What a device is told at its start about itself."""

    max_slots: int = 1
    pins: tuple[str, ...] = ()
    capacity: float = 1.0


PLAIN = Build()


class Device:
    """One device. What can happen to it is in its methods; `fate` counts its processes.

    clock_offset_s: its wall clock, which only numbers its starts, may be set wrong. broker_memory:
    that of the broker when the control link was opened. request_ids: by key, of all that ever came.
    note: the last attempt note that it wrote in this life. bundle: that in its folder; digest: of
    that which it runs. broker: that of its control link.
    """

    def __init__(self, world: World, agent: str, build: Build = PLAIN) -> None:
        self._world = world
        self.agent = agent
        self.build = build
        self.bundle = world.bundle
        self.digest = world.bundle.digest
        self.role = Role.MASTER if agent.startswith("m") else Role.WORKER
        self.network = Network(world)
        self.clock_offset_s = 0.0
        self.broker_memory = 0
        self.broker = 0
        self.is_up = False
        self.hangs = False
        self.exit_status: int | None = None
        self.request_ids: dict[bytes, str] = {}
        self.note: tuple[bytes, ...] = ()
        self._jobs: deque[Compute] = deque()
        self._life = 0
        self._sessions = 0
        self._has_all = False
        self._waiting: list[FromLink | Event] = []
        self._inbox: list[FromLink | Event] = []
        self._is_busy = False
        self._busy_until = 0.0
        self._alarm_at: float | None = None
        self._ticked_at = -1.0
        self._ticks_now = 0

    @property
    def executing(self) -> list[str]:
        """The ids of the requests in the executor: of the one that it runs, and of those behind.

        One whose outcome the core has not heard of yet is there too, for all that the core knows.
        """
        unheard = [item for item in self._inbox if isinstance(item, Computed)]
        return [
            *(self.request_ids[each.key] for each in unheard),
            *(job.request.id for job in self._jobs),
        ]

    @property
    def _has_double(self) -> bool:
        """Whether another process is up under its id."""
        others = (each for each in self._world.processes if each.agent == self.agent)
        return any(each.is_up and each is not self for each in others)

    @property
    def serves(self) -> bool:
        """Whether it is up and at work."""
        return self.is_up and not self.hangs

    def boot(self) -> None:
        """Start the process, with nothing left of its former life."""
        world = self._world
        self._life += 1
        self._sessions = 0
        self._has_all = False
        self.is_up, self.hangs, self.exit_status = True, False, None
        self._waiting.clear()
        self._inbox.clear()
        self._is_busy = False
        self._jobs.clear()
        self.digest = self.bundle.digest
        self.note = ()
        self._busy_until = world.now
        self._alarm_at = None
        self.node = Node(
            Settings(
                self.agent,
                self.role,
                self.bundle.manifest,
                digest=self.bundle.digest,
                in_flight=8,
                max_slots=self.build.max_slots,
                pins=self.build.pins,
                capacity=self.build.capacity,
                brokers=len(world.brokers),
            )
        )
        wire = Wire(Topics(), self.agent, SessionOptions(receive_maximum=8))
        post = partial(self._in_life, self._life, self._take)
        bus, *fallbacks = [self.network.to(broker) for broker in range(len(world.brokers))]
        self._switchboard = Switchboard(bus, wire, post, fallbacks=fallbacks)
        clock_s = _CLOCK_AT_START_S + world.now + self.clock_offset_s
        self._handle([Started(max(1, int(clock_s * 1_000_000)))])

    def crash(self) -> None:
        """The process is gone; the system closes its sockets."""
        self._end()
        self.network.end_process()

    def lose_power(self) -> None:
        """The device is gone, and nobody is told."""
        self._end()
        self.network.vanish()

    def hang(self) -> None:
        """Nothing happens in the process any more, and nobody is told."""
        self.hangs = True
        self.network.freeze()

    def go_on(self) -> None:
        """What arrived while it hung is handled now."""
        self.hangs = False
        self.network.thaw()
        waiting, self._waiting = self._waiting, []
        self._handle([*waiting, Tick()])

    def lose_network(self) -> None:
        """Every connection breaks; the process lives on."""
        self.network.break_links()

    def leave(self) -> None:
        """It is asked to end in good order."""
        self._take(LeaveRequested())

    def switch(self, edition: Edition) -> None:
        """Another bundle is put into its folder."""
        self.bundle = edition
        self._world.tell(f"{self.agent}: finds {edition.manifest.name}")
        if self.is_up:
            loaded = BundleLoaded(edition.manifest, edition.digest)
            self._world.after(
                _LOADED_AFTER_S, partial(self._in_life, self._life, self._take, loaded)
            )

    def _end(self) -> None:
        self._world.went_down(self)
        self.is_up = self.hangs = False
        self._life += 1

    def _in_life(self, life: int, action: Callable[..., None], *arguments: object) -> None:
        if life == self._life:
            action(*arguments)

    def _take(self, item: FromLink | Event) -> None:
        if self.hangs:
            self._waiting.append(item)
            return
        if self._is_busy:
            self._inbox.append(item)
        elif (bustle := self._world.bustle) is not None and bustle.random() < _BUSY:
            self._is_busy = True
            self._inbox.append(item)
            free_in_s = bustle.uniform(0.0, _MOST_BUSY_S)
            self._world.after(free_in_s, partial(self._in_life, self._life, self._handle_inbox))
        else:
            self._handle([item])

    def _handle_inbox(self) -> None:
        items, self._inbox = self._inbox, []
        self._is_busy = False
        if self.hangs:
            self._waiting += items
        else:
            self._handle(items)

    def _handle(self, items: list[FromLink | Event]) -> None:
        handle(items, events=self._events, step=self._step, perform=self._perform)
        self._set_alarm()

    def _events(self, item: FromLink | Event) -> list[Event]:
        return self._switchboard.events(item) if isinstance(item, FromLink) else [item]

    def _take_down(self, event: Event) -> None:
        """Keep what the invariants ask for."""
        match event:
            case LinkOpened(LinkName.CONTROL):
                self.broker_memory = self._world.broker_memory
            case LinkOpened(LinkName.INFER):
                if not self._sessions:
                    self._world.took_over(self)
                self._sessions += 1
            case RequestArrived(request):
                self.request_ids[request.key] = request.id
                # On later links too, until one has brought what was in flight before.
                if not event.redelivered:
                    self._has_all = True
                elif self._sessions == 1 or not self._has_all:
                    self._world.was_sent(self.agent, request.id)
            case AttemptSeen(agent, keys) if agent == self.agent and self._has_double:
                # It may be the other's, and not of a former life: nobody can tell.
                named = {self.request_ids.get(key, "") for key in keys}
                self._world.named_by_a_double |= named
            case AdoptionRequest(agent, request, was_sent=True):
                self._world.was_sent(agent, request.id)
            case AdoptionOpened(agent):
                self._world.adopted(agent)

    def _step(self, event: Event) -> tuple[Effect, ...]:
        if not self.is_up:
            return ()
        self._take_down(event)
        return self.node.step(event, self._world.now)

    def _perform(self, effects: list[Effect]) -> None:
        life = self._life
        for effect in coalesce(effects):
            if life == self._life:
                self._carry_out(effect)
        if life == self._life and self.is_up:
            self._world.watch(self)

    def _set_alarm(self) -> None:
        if not self.is_up:
            return
        world = self._world
        # What is overdue is due at once, as in the runtime.
        deadline = max(world.now, self.node.next_deadline())
        if self._alarm_at is None or deadline < self._alarm_at:
            self._alarm_at = deadline
            world.at(deadline, partial(self._in_life, self._life, self._alarm, deadline))

    def _alarm(self, set_for: float) -> None:
        """Time is up; alarms that were set before an earlier one are void."""
        if set_for != self._alarm_at:
            return
        self._alarm_at = None
        self._ticks_now = self._ticks_now + 1 if self._world.now == self._ticked_at else 0
        self._ticked_at = self._world.now
        assert self._ticks_now < 10, f"{self.agent} would spin: its deadline does not move"
        self._take(Tick())

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Compute():
                self._compute(effect)
            case OpenControl():
                self.broker = effect.broker
                self._switchboard.perform(effect)
            case RunBundle(digest):
                self.digest = digest
            case Note():
                self._world.note(self.agent, effect)
            case Exit(status):
                self._world.went_down(self)
                self.exit_status, self.is_up = status, False
                self._world.tell(f"{self.agent}: exit {status}")
                self._switchboard.close()
            case _:
                if isinstance(effect, WriteAttempt) and effect.agent == self.agent:
                    self.note = effect.keys
                self._switchboard.perform(effect)

    def _compute(self, job: Compute) -> None:
        """One job after the other, as the executor's thread does."""
        self._jobs.append(job)
        self._busy_until = max(self._busy_until, self._world.now) + COMPUTE_S
        self._world.at(
            self._busy_until, partial(self._in_life, self._life, self._computed, job, self.digest)
        )

    def _computed(self, job: Compute, digest: str) -> None:
        payload = job.request.message.payload
        if payload in self._world.poisons:
            self._world.poison(self, payload)
            return
        self._jobs.popleft()
        edition = edition_of(digest)
        assert edition is not None
        outputs, maps = simulated_run(edition, job.stages, payload, job.maps)
        outcome = Computed(
            job.request.key, outputs, COMPUTE_S * 1000, is_batch=False, digest=digest, maps=maps
        )
        self._take(outcome)
