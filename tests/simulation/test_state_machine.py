"""Hypothesis looks for a short story that breaks an invariant, and shortens it further."""

from functools import partial

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fluid.bus.memory import MOSQUITTO_2_0_11, STANDARD, Quirks
from tests.simulation import faults
from tests.simulation.clients import LibraryClient, PlainClient
from tests.simulation.device import Device
from tests.simulation.invariants import SAFETY, expect
from tests.simulation.settling import settle
from tests.simulation.world import World

AGENTS = ("master", "w1", "w2")
agents = st.sampled_from(AGENTS)


class ClusterMachine(RuleBasedStateMachine):
    """Three devices, a plain client and one of the library. Each rule is one thing that happens.

    `one_leader_a_term` is watched at every step; the rest of what is safe after each rule; and
    when the story is over, everybody is helped up and all must settle.
    """

    world: World

    @initialize(quirks=st.sampled_from([STANDARD, MOSQUITTO_2_0_11]))
    def begin(self, quirks: Quirks) -> None:
        self.world = World(quirks=quirks)
        self.plain = PlainClient(self.world, "plain")
        self.library = LibraryClient(self.world, "library")
        self.world.boot(*AGENTS)
        self.world.run(0.5)

    def device(self, agent: str) -> Device:
        return self.world.devices[agent]

    @rule(agent=agents)
    def boot(self, agent: str) -> None:
        if not self.device(agent).is_up:
            self.world.boot(agent)

    @rule(agent=agents)
    def crash(self, agent: str) -> None:
        if self.device(agent).is_up:
            self.device(agent).crash()

    @rule(agent=agents)
    def lose_power(self, agent: str) -> None:
        if self.device(agent).is_up:
            self.device(agent).lose_power()

    @rule(agent=agents)
    def hang(self, agent: str) -> None:
        if self.device(agent).serves:
            self.device(agent).hang()

    @rule(agent=agents)
    def go_on(self, agent: str) -> None:
        faults.go_on(self.world, self.device(agent))

    @rule(agent=agents)
    def leave(self, agent: str) -> None:
        if self.device(agent).serves:
            self.device(agent).leave()

    @rule(agent=agents, up=st.booleans(), down=st.booleans())
    def partition(self, agent: str, up: bool, down: bool) -> None:  # noqa: FBT001 - Hypothesis names them
        self.device(agent).network.block(up=up, down=down)

    @rule(agent=agents)
    def heal(self, agent: str) -> None:
        self.device(agent).network.heal()

    @rule(agent=agents)
    def lose_network(self, agent: str) -> None:
        self.device(agent).lose_network()

    @rule(mode=st.sampled_from(["ha", "ht", "auto"]))
    def wish(self, mode: str) -> None:
        faults.wish(self.world, mode)

    @rule(count=st.integers(1, 30), every_s=st.sampled_from([0.0, 0.01, 0.1]))
    def burst(self, count: int, every_s: float) -> None:
        self.plain.stream(count, every_s=every_s)
        self.library.stream(count, every_s=every_s)

    @precondition(lambda self: self.world.broker.runs)
    @rule(down_s=st.sampled_from([0.1, 2.0]))
    def restart_broker(self, down_s: float) -> None:
        self.world.broker.stop(keep_sessions=True)
        self.world.after(down_s, self.world.broker.start)

    @rule(span_s=st.sampled_from([0.01, 0.2, 1.0, 3.0, 9.0]))
    def advance(self, span_s: float) -> None:
        self.world.run(span_s)

    @invariant()
    def is_safe(self) -> None:
        if hasattr(self, "world"):
            expect(self.world, *SAFETY)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        world = self.world
        world.run(3.1)  # streams and stops of the broker come to their end
        for device in world.processes:
            faults.heal(world, device)
            faults.go_on(world, device)
        world.after(4.0, partial(self._boot_all))
        world.run(4.1)
        settle(world)

    def _boot_all(self) -> None:
        """Also those that were asked to leave and have ended by now."""
        for agent in AGENTS:
            self.boot(agent)


ClusterMachine.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestCluster = ClusterMachine.TestCase
