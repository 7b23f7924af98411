"""A simulated device: the real core, wire and switchboard, with simulated time and interpreter."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from edge_agent.core.effects import Compute, Effect, Exit, Note
from edge_agent.core.events import Computed, Event, LeaveRequested, Started, Tick
from edge_agent.core.node import Node
from edge_agent.core.settings import Settings
from edge_agent.switchboard import FromLink, Switchboard
from edge_agent.wire import SessionOptions, Wire
from fluid.bus import Closed, Link, LinkEvent, LinkOptions, Sink
from fluid.bus.memory import MemoryBus
from fluid.messages import Role
from fluid.topics import Topics
from tests.simulation.bundle import simulated_logits

if TYPE_CHECKING:
    from tests.simulation.world import World

COMPUTE_S = 0.005
DIGEST = "ab" * 32


class _TrackingBus:
    """A bus that knows which of its client ids have a connection, so that faults can hit them."""

    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus
        self.open_ids: set[str] = set()

    def open(self, options: LinkOptions, sink: Sink) -> Link:
        self.open_ids.add(options.client_id)

        def watch(event: LinkEvent) -> None:
            if isinstance(event, Closed):
                self.open_ids.discard(options.client_id)
            sink(event)

        return self._bus.open(options, watch)


class Device:
    """One device. It can be booted, crash, hang and go on, lose its network for a moment, leave."""

    def __init__(self, world: World, agent: str) -> None:
        self._world = world
        self.agent = agent
        self.role = Role.MASTER if agent.startswith("m") else Role.WORKER
        self.is_up = False
        self.hangs = False
        self.exit_status: int | None = None
        self._life = 0
        self._waiting: list[FromLink | Event] = []
        self._arrivals: dict[str, float] = {}
        self._busy_until = 0.0
        self._alarm_at: float | None = None
        self._ticked_at = -1.0
        self._ticks_now = 0

    def boot(self, *, incarnation: int | None = None) -> None:
        """Start the process, with nothing left of its former life."""
        world = self._world
        self._life += 1
        self.is_up, self.hangs, self.exit_status = True, False, None
        self._waiting.clear()
        self._busy_until = world.now
        self._alarm_at = None
        self.node = Node(Settings(self.agent, self.role, world.manifest, digest=DIGEST))
        self._bus = _TrackingBus(MemoryBus(world.broker, schedule=self._schedule))
        wire = Wire(Topics(), self.agent, SessionOptions(receive_maximum=8))
        post = partial(self._in_life, self._life, self._take)
        self._switchboard = Switchboard(self._bus, wire, post)
        self._step(Started(incarnation or 1000 * self._life))

    def crash(self) -> None:
        """The process is gone; the broker sees its sockets close."""
        self._world.tell(f"crash {self.agent}")
        self.is_up = False
        self._life += 1
        self._drop_links()

    def hang(self) -> None:
        """Nothing happens in the process any more, and nobody is told."""
        self._world.tell(f"hang {self.agent}")
        self.hangs = True

    def go_on(self) -> None:
        """What arrived while it hung is handled now."""
        self._world.tell(f"go on {self.agent}")
        self.hangs = False
        waiting, self._waiting = self._waiting, []
        for item in waiting:
            self._take(item)
        self._take(Tick())

    def lose_network(self) -> None:
        """Every connection breaks; the process lives on."""
        self._world.tell(f"lose network {self.agent}")
        self._drop_links()

    def leave(self) -> None:
        self._world.tell(f"leave {self.agent}")
        self._take(LeaveRequested())

    def _drop_links(self) -> None:
        for client_id in sorted(self._bus.open_ids):
            try:
                self._world.broker.kill(client_id)
            except LookupError:
                continue  # taken over; the news of it is still on its way here

    def _schedule(self, client_id: str, deliver: Callable[[], None]) -> None:
        """The network to this device: each connection keeps its order, and takes its time."""
        world = self._world
        arrives_at = max(world.now + world.delay_s(), self._arrivals.get(client_id, 0.0))
        self._arrivals[client_id] = arrives_at
        world.at(arrives_at, partial(self._in_life, self._life, lambda _: deliver(), None))

    def _in_life(self, life: int, action: Callable[..., None], *arguments: object) -> None:
        if life == self._life:
            action(*arguments)

    def _take(self, item: FromLink | Event) -> None:
        if self.hangs:
            self._waiting.append(item)
            return
        for event in self._switchboard.events(item) if isinstance(item, FromLink) else [item]:
            if self.is_up:
                self._step(event)

    def _step(self, event: Event) -> None:
        world = self._world
        for effect in self.node.step(event, world.now):
            self._perform(effect)
        # What is overdue is due at once, as in the runtime.
        deadline = max(world.now, self.node.next_deadline(world.now))
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

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Compute():
                self._compute(effect)
            case Note():
                self._world.note(self.agent, effect)
            case Exit(status):
                self.exit_status, self.is_up = status, False
                self._switchboard.close()
            case _:
                self._switchboard.perform(effect)

    def _compute(self, job: Compute) -> None:
        """One job after the other, as the executor's thread does."""
        payload = job.request.message.payload
        outputs = {stage: simulated_logits(stage, payload) for stage in job.stages}
        done = Computed(job.request.key, outputs, COMPUTE_S * 1000, is_batch=False, digest=DIGEST)
        self._busy_until = max(self._busy_until, self._world.now) + COMPUTE_S
        self._world.at(self._busy_until, partial(self._in_life, self._life, self._take, done))
