"""Simulated time, the broker and everybody who talks to it.

Owns the clock and the order of events: a heap of (time, number, action). Nothing in here or in
what it drives reads a real clock or an unseeded random number, so a seed is a transcript.
"""

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count

from edge_agent.core.edition import Edition
from edge_agent.core.effects import Note
from fluid.bus.memory import STANDARD, MemoryBroker, Quirks
from fluid.messages import KEY_BYTES, ClusterState, Mode, decode_cluster
from fluid.messages.control import Malformed
from tests.simulation.bundle import FIRST
from tests.simulation.clients import Client, PlainClient
from tests.simulation.device import PLAIN, Build, Device
from tests.simulation.network import Network
from tests.simulation.violation import Violation

_BROKER_TICK_S = 0.5
# systemd's RestartSec, and what a start takes.
_RESTART_S = (0.2, 1.0)


@dataclass(frozen=True, slots=True)
class Down:
    """A device that went down, or was taken for dead: the ids of the requests that it had been
    sent and not acknowledged, and of those that were in its executor or named by its attempt note:
    a note is written before the request that it names runs.

    What the broker sends to a device that has no power, before it finds out, counts as sent: MQTT
    tells whoever resumes the session nothing else."""

    agent: str
    sent: set[str]
    executing: frozenset[str]


class World:
    """A broker, devices and clients. `transcript` tells what happened, line by line.

    detailed: whether the transcript has every request and answer. processes: every process that
    was ever started under an agent's id, but for restarts of the same device: an impostor is one
    more. faults: how often each kind happened, as whoever injects them counts. downs: which
    requests may be blamed for it, each time that a device went down. poisons: payloads that kill
    whoever runs them, and poisoned: whom they killed. served_together: whether the cluster ever
    was in HA. bundle: that of devices that start for the first time, and which all are to serve
    in the end. brokers: in the order of preference; the first is what is called the broker. builds:
    what devices are told at their start, where it is not the usual. helped_up: the ids that
    somebody must serve under in the end; gone_for_good: those that nobody starts again.
    broker_memory: how often the broker forgot something.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        most_delay_s: float = 0.002,
        quirks: Quirks = STANDARD,
        most_waiting: int | None = None,
        detailed: bool = False,
        brokers: int = 1,
        bundle: Edition = FIRST,
    ) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a simulation, not a secret
        # While there is one, devices are busy now and then, and handle what came meanwhile at once.
        self.bustle: random.Random | None = None
        self.now = 0.0
        self.most_delay_s = most_delay_s
        self.broker = MemoryBroker(quirks, most_waiting=most_waiting)
        self.brokers = [self.broker, *(MemoryBroker(quirks) for _ in range(1, brokers))]
        self.broker_stalls = False
        self.bundle = bundle
        self.builds: dict[str, Build] = {}
        self.devices: dict[str, Device] = {}
        self.processes: list[Device] = []
        self.networks: list[Network] = []
        self.clients: list[Client] = []
        self.client = PlainClient(self, "client")
        self.leaders: dict[tuple[int, int, int], str] = {}
        self.broker_memory = 0
        self.faults: Counter[str] = Counter()
        self.downs: list[Down] = []
        self.named_by_a_double: set[str] = set()
        self.poisons: set[bytes] = set()
        self.poisoned: dict[bytes, list[str]] = {}
        self.served_together = False
        self.helped_up: set[str] = set()
        self.gone_for_good: set[str] = set()
        self.transcript: list[str] = []
        self.detailed = detailed
        self._numbers = count()
        self._actions: list[tuple[float, int, Callable[[], object]]] = []
        self.after(_BROKER_TICK_S, self._tick_now_and_then)

    # Time.

    def after(self, delay_s: float, action: Callable[[], object]) -> None:
        self.at(self.now + delay_s, action)

    def at(self, moment: float, action: Callable[[], object]) -> None:
        heapq.heappush(self._actions, (moment, next(self._numbers), action))

    def run_until(self, moment: float) -> None:
        """Let everything happen that is due by then."""
        actions = self._actions
        while actions and actions[0][0] <= moment:
            due, _, action = heapq.heappop(actions)
            self.now = max(self.now, due)
            action()
        self.now = moment

    def run(self, span_s: float) -> None:
        self.run_until(self.now + span_s)

    # The broker.

    def tick_broker(self) -> None:
        """The broker reads its clock, which it does when it gets a packet, and now and then."""
        if not self.broker_stalls:
            for broker in self.brokers:
                broker.advance(self.now)

    def stall_broker(self, span_s: float) -> None:
        """The broker does nothing for a time; what is sent to it waits."""
        if not self.broker_stalls:
            self.broker_stalls = True
            self.after(span_s, self._end_stall)

    def _end_stall(self) -> None:
        self.broker_stalls = False
        self.tick_broker()
        for network in self.networks:
            network.pump()

    def _tick_now_and_then(self) -> None:
        self.tick_broker()
        self.after(_BROKER_TICK_S, self._tick_now_and_then)

    # Devices.

    def boot(self, *agents: str) -> None:
        """Start devices; those whose names start with `m` are masters."""
        for agent in agents:
            if agent not in self.devices:
                self.devices[agent] = self._new_device(agent)
            self.tell(f"boot {agent}")
            self.devices[agent].boot()

    def impostor(self, agent: str) -> Device:
        """Start another device under a name that is in use already."""
        self.tell(f"impostor {agent}")
        device = self._new_device(agent)
        device.boot()
        return device

    def up(self) -> list[Device]:
        """Every process that is up, by agent."""
        return sorted((each for each in self.processes if each.is_up), key=lambda it: it.agent)

    def switch_bundle(self, edition: Edition, *, within_s: float) -> None:
        """Another bundle is copied to one device after the other."""
        self.bundle = edition
        for device in self.processes:
            moment = self.random.uniform(0.0, within_s)
            self.after(moment, partial(self._switch_device, device, edition))

    def _switch_device(self, device: Device, edition: Edition) -> None:
        # A later switch may have overtaken this one.
        if edition is self.bundle and device.bundle is not edition:
            device.switch(edition)

    def went_down(self, device: Device) -> None:
        """Whatever a device had in hand may be what brought it down."""
        sent = [each for it in self.brokers for each in it.sent(f"fluid:{device.agent}")]
        ids = {each.correlation.decode() for each in sent if each.correlation}
        executing = frozenset(device.executing) | self._named(device)
        self.downs.append(Down(device.agent, ids, executing))

    def was_sent(self, agent: str, request_id: str) -> None:
        """A broker says that it had sent a request when an agent's session was last resumed."""
        last = next((down for down in reversed(self.downs) if down.agent == agent), None)
        if last is not None:
            last.sent.add(request_id)

    def _named(self, device: Device) -> frozenset[str]:
        notes = [broker.retained(f"fluid/attempt/{device.agent}") for broker in self.brokers]
        payload = b"".join(note.payload for note in notes if note)
        keys = {payload[at : at + KEY_BYTES] for at in range(0, len(payload), KEY_BYTES)}
        keys.update(device.note)  # it may be on its way
        return frozenset(device.request_ids[key] for key in keys if key in device.request_ids)

    def poison(self, device: Device, payload: bytes) -> None:
        """A device dies of a request, and its supervisor starts it again."""
        self.tell(f"{device.agent} dies of {payload!r}")
        self.poisoned.setdefault(payload, []).append(device.agent)
        device.crash()
        self.after(self.random.uniform(*_RESTART_S), partial(self.boot_if_down, device))

    def boot_if_down(self, device: Device) -> None:
        """Start it again, unless it is gone for good or another process has its id."""
        if device.agent in self.gone_for_good:
            return
        if any(other.is_up and other.agent == device.agent for other in self.processes):
            return
        self.tell(f"boot {device.agent}")
        device.boot()

    def adopted(self, agent: str) -> None:
        """Who is adopted while its process lives was taken for dead."""
        for device in self.processes:
            if device.agent == agent and device.is_up:
                self.went_down(device)

    def took_over(self, newcomer: Device) -> None:
        """Whoever starts under an id that is in use finds the session and the note of a process
        that lives, and has to take it for its own former life."""
        for device in self.processes:
            if device.agent == newcomer.agent and device.is_up and device is not newcomer:
                self.went_down(device)

    def _new_device(self, agent: str) -> Device:
        device = Device(self, agent, self.builds.get(agent, PLAIN))
        self.processes.append(device)
        return device

    def watch(self, device: Device) -> None:
        """Safety: a term has at most one leader, looked at after every step of each device.

        Terms live in what the broker retains. If it forgets (a crash without persistence, or back
        to an older state) and the devices that knew better are away, terms count from there again:
        a term is one of the memory that its leader's connection found. So far an orderly restart
        may forget the last term as well: see `invariants.TERMS_OUTLIVE_A_RESTART`.

        A claim of an earlier term may come late and hide a later one. If then all who had heard
        the later one are gone, nobody is left whom its term could confuse (`_is_remembered`).

        Two processes under one id, of which one was cut off, are one leader here: a claim names
        its agent. That one of them ends is `each_id_has_one_process`.
        """
        state = device.node.cluster_state
        if device.node.serving_mode is Mode.HA:
            self.served_together = True
        if device.node.leads and state is not None:
            term = (device.broker, device.broker_memory, state.term)
            leader = self.leaders.setdefault(term, device.agent)
            if leader != device.agent and self._is_remembered(leader, state.term, device.broker):
                raise Violation(
                    "one_leader_a_term",
                    f"term {state.term} is led by {leader} and by {device.agent}",
                )

    def _is_remembered(self, leader: str, term: int, broker: int) -> bool:
        """Whether anybody who is up, and at that broker, knows a leader's term, or one after it."""
        states = [each.node.cluster_state for each in self.up() if each.broker == broker]
        return any(
            state.term > term or (state.term, state.leader) == (term, leader)
            for state in states
            if state is not None
        )

    # What everybody can see.

    def cluster(self) -> ClusterState | None:
        """The retained cluster state."""
        message = self.broker.retained("fluid/cluster")
        state = decode_cluster(message.payload) if message else None
        return None if isinstance(state, Malformed) else state

    def tell(self, line: str) -> None:
        self.transcript.append(f"{self.now:9.4f} {line}")

    def note(self, agent: str, note: Note) -> None:
        values = " ".join(f"{name}={value}" for name, value in note.fields.items())
        self.tell(f"{agent}: {note.event} {values}".rstrip())

    def detail(self, line: Callable[[], str]) -> None:
        if self.detailed:
            self.tell(line())
