"""Simulated time, the network and everybody in it.

Owns the clock and the order of events: a heap of (time, number, action). Nothing in here or in
what it drives reads a real clock or an unseeded random number, so a seed is a transcript.
"""

import heapq
import random
from collections.abc import Callable
from itertools import count

from edge_agent.core.effects import Note
from fluid.bus.memory import MemoryBroker
from fluid.messages import ClusterState, decode_cluster
from fluid.messages.control import Malformed
from tests.simulation.bundle import MANIFEST
from tests.simulation.client import SimClient
from tests.simulation.device import Device


class World:
    """A broker, some devices and one client. `transcript` tells what happened, line by line."""

    def __init__(self, seed: int = 0, *, most_delay_s: float = 0.002) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a simulation, not a secret
        self.now = 0.0
        self.broker = MemoryBroker()
        self.manifest = MANIFEST
        self.devices: dict[str, Device] = {}
        self.leaders: dict[int, set[str]] = {}
        self.transcript: list[str] = []
        self._most_delay_s = most_delay_s
        self._numbers = count()
        self._actions: list[tuple[float, int, Callable[[], None]]] = []
        self.client = SimClient(self)

    # Time.

    def after(self, delay_s: float, action: Callable[[], None]) -> None:
        self.at(self.now + delay_s, action)

    def at(self, moment: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._actions, (moment, next(self._numbers), action))

    def run_until(self, moment: float) -> None:
        """Let everything happen that is due by then."""
        while self._actions and self._actions[0][0] <= moment:
            due, _, action = heapq.heappop(self._actions)
            if due > self.now:
                self.now = due
                self.broker.advance(due)
            action()
            self._watch_leaders()
        self.now = moment

    def run(self, span_s: float) -> None:
        self.run_until(self.now + span_s)

    def delay_s(self) -> float:
        """How long a message is on its way to whom it concerns."""
        return self.random.uniform(0.0001, self._most_delay_s)

    # Devices.

    def boot(self, *agents: str) -> None:
        """Start devices; the one named `master`, or starting with `m`, is a master."""
        for agent in agents:
            if agent not in self.devices:
                self.devices[agent] = Device(self, agent)
            self.tell(f"boot {agent}")
            self.devices[agent].boot()

    def impostor(self, agent: str) -> Device:
        """Start another device under a name that is in use already."""
        self.tell(f"impostor {agent}")
        device = Device(self, agent)
        device.boot(incarnation=50)
        return device

    def up(self) -> list[Device]:
        return [device for device in self.devices.values() if device.is_up]

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

    def _watch_leaders(self) -> None:
        """Safety: a term has at most one leader, at every single step."""
        for device in self.up():
            state = device.node.cluster_state
            if device.node.leads and state is not None:
                leaders = self.leaders.setdefault(state.term, set())
                leaders.add(device.agent)
                assert len(leaders) == 1, f"term {state.term} has the leaders {sorted(leaders)}"
