"""Devices that a poison request brings down, and a broker between them.

Real cores, wires and switchboards. Everything takes a fixed time, so a test is one story and no
random faults: those are the simulation's.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import count

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.core.effects import Effect
from edge_agent.core.events import Event
from edge_agent.core.node import Node
from edge_agent.switchboard import FromLink, Switchboard
from edge_agent.wire import SessionOptions, Wire
from fluid.bus import Delivered, Link, LinkEvent, LinkOptions, Message, Sink, Subscription
from fluid.bus.memory import MemoryBroker, MemoryBus
from fluid.messages import ErrorReply, Malformed, Mode, Reply, decode_replies
from fluid.topics import Topics
from tests.unit.edge_agent.making import DIGEST, logits_of, settings

POISON = b"poison"
COMPUTE_S = 0.005
_NETWORK_S = 0.001


class Cluster:
    """Devices, each restarted `restart_s` after it went down (None: never), and one requester."""

    def __init__(self, *agents: str, restart_s: float | None = None) -> None:
        self.now = 100.0
        self.broker = MemoryBroker()
        self.deadly = True
        self.restart_s = restart_s
        self.replies: dict[str, list[Reply]] = {}
        self.runs: Counter[tuple[str, bytes]] = Counter()
        self.notes: list[Message] = []
        self._numbers = count()
        self._actions: list[tuple[float, int, Callable[[], None]]] = []
        self._requester = MemoryBus(self.broker).open(LinkOptions("requester"), self._hear)
        filters = ("fluid/result/#", "fluid/attempt/+")
        self._requester.subscribe([Subscription(each, send_retained=False) for each in filters])
        self.devices = {agent: _Device(self, agent) for agent in agents}
        for device in self.devices.values():
            device.boot()
        self.run(2.0)

    def set_mode(self, mode: Mode) -> None:
        self._requester.publish(Message("fluid/mode/set", mode.encode(), qos=1))
        self.run(1.0)

    def ask(self, name: str, payload: bytes = b"", *, unique: bool = False) -> None:
        self._requester.publish(
            Message(
                "fluid/infer",
                payload or name.encode(),
                qos=1,
                correlation=name.encode(),
                response_topic=f"fluid/result/{name}",
                user_properties=(("fluid-unique", "1"),) if unique else (),
            )
        )

    def codes(self, name: str) -> set[str]:
        """The codes of a request's error replies; "" for a result."""
        replies = self.replies.get(name, [])
        return {reply.code if isinstance(reply, ErrorReply) else "" for reply in replies}

    def ran(self, payload: bytes) -> Counter[str]:
        """How often each device began to run it."""
        runs = {agent: times for (agent, what), times in self.runs.items() if what == payload}
        return Counter(runs)

    def retained_notes(self) -> list[str]:
        topics = [f"fluid/attempt/{agent}" for agent in self.devices]
        return [topic for topic in topics if self.broker.retained(topic) is not None]

    def at(self, moment: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._actions, (moment, next(self._numbers), action))

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self._actions and self._actions[0][0] <= end:
            self.now, _, action = heapq.heappop(self._actions)
            action()
        self.now = end

    def _hear(self, event: LinkEvent) -> None:
        if not isinstance(event, Delivered):
            return
        message = event.message
        if message.topic.startswith("fluid/attempt/"):
            self.notes.append(message)
            return
        replies = decode_replies(message.payload)
        assert not isinstance(replies, Malformed)
        self.replies.setdefault(message.topic.removeprefix("fluid/result/"), []).extend(replies)


class _Device:
    """One process after another under one name."""

    def __init__(self, cluster: Cluster, agent: str) -> None:
        self._cluster = cluster
        self.agent = agent
        self._life = 0
        self._busy_until = 0.0
        self._open: set[str] = set()

    def boot(self) -> None:
        self._life += 1
        self._busy_until = self._cluster.now
        self._alarm_at: float | None = None
        self._node = Node(settings(self.agent))
        wire = Wire(Topics(), self.agent, SessionOptions(receive_maximum=8))
        bus = _Listed(MemoryBus(self._cluster.broker), self._open)
        self._switchboard = Switchboard(bus, wire, partial(self._later, self._life, _NETWORK_S))
        self._step(seen.Started(1000 * self._life))

    def crash(self) -> None:
        self._life += 1
        for client_id in sorted(self._open):
            if self._cluster.broker.backlog(client_id) is not None:
                self._kill(client_id)
        self._open.clear()
        if self._cluster.restart_s is not None:
            self._cluster.at(self._cluster.now + self._cluster.restart_s, self.boot)

    def _kill(self, client_id: str) -> None:
        try:
            self._cluster.broker.kill(client_id)
        except LookupError:
            return  # it was closed before

    def _later(self, life: int, delay_s: float, item: FromLink | Event) -> None:
        self._cluster.at(self._cluster.now + delay_s, partial(self._take, life, item))

    def _take(self, life: int, item: FromLink | Event) -> None:
        for event in self._switchboard.events(item) if isinstance(item, FromLink) else [item]:
            if life == self._life:
                self._step(event)

    def _step(self, event: Event) -> None:
        for effect in self._node.step(event, self._cluster.now):
            self._perform(effect)
        deadline = max(self._cluster.now, self._node.next_deadline())
        if self._alarm_at is None or deadline < self._alarm_at:
            self._alarm_at = deadline
            self._cluster.at(deadline, partial(self._alarm, self._life, deadline))

    def _alarm(self, life: int, set_for: float) -> None:
        """Time is up; alarms that were set before an earlier one are void."""
        if life == self._life and set_for == self._alarm_at:
            self._alarm_at = None
            self._step(seen.Tick())

    def _perform(self, effect: Effect) -> None:
        match effect:
            case do.Compute():
                starts_at = max(self._busy_until, self._cluster.now)
                self._busy_until = starts_at + COMPUTE_S
                self._cluster.at(starts_at, partial(self._compute, self._life, effect))
            case do.Note() | do.Exit():
                pass
            case _:
                self._switchboard.perform(effect)

    def _compute(self, life: int, job: do.Compute) -> None:
        if life != self._life:
            return
        payload = job.request.message.payload
        self._cluster.runs[self.agent, payload] += 1
        if payload == POISON and self._cluster.deadly:
            self.crash()
            return
        outputs = {stage: logits_of(stage) for stage in job.stages}
        done = seen.Computed(
            job.request.key, outputs, COMPUTE_S * 1000, is_batch=False, digest=DIGEST
        )
        self._later(life, COMPUTE_S, done)


class _Listed:
    """A bus that writes down the client ids it opened."""

    def __init__(self, bus: MemoryBus, open_ids: set[str]) -> None:
        self._bus = bus
        self._open_ids = open_ids

    def open(self, options: LinkOptions, sink: Sink) -> Link:
        self._open_ids.add(options.client_id)
        return self._bus.open(options, sink)
