"""A whole cluster as a user has it: a real broker, a master and a worker, and ways to look at it.

Owns the processes: they end with it, however it is left. What happens to them is the tests'.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from broker import LocalBroker
from fluid.bus import LinkOptions, Subscription
from fluid.bus.mqtt import BrokerAddress, MqttBus
from fluid.client import ClusterSnapshot, cluster_snapshot, set_mode
from fluid.messages import Mode
from fluid.topics import Topics
from tests.integration.harness.agents import TIMEOUT_S, AgentProcess
from tests.integration.harness.group import AgentGroup
from tests.processes import wait_until
from tests.recorder import Recorder

MASTER, WORKER = "master", "worker"
AGENTS = (MASTER, WORKER)
OTHER = {MASTER: WORKER, WORKER: MASTER}
# What each answers with when it answers alone, and both together.
ALONE = {MASTER: "lower50", WORKER: "upper50"}
TOGETHER = "100"
PLACEMENT = {"lower": (MASTER,), "upper": (WORKER,)}


class Cluster(AgentGroup):
    """Its agents are started by `assemble`, or one by one."""

    def __init__(
        self,
        broker: LocalBroker,
        *,
        bundle: Path,
        folder: Path,
        fallbacks: Sequence[LocalBroker] = (),
        bundles: Mapping[str, Path] | None = None,
        more: Sequence[str] = (),
    ) -> None:
        """broker: a started one, as are its fallbacks. folder: where the agents' logs go.
        bundles: by agent, of those that do not take `bundle`. more: further options of all."""
        self.urls = [each.url for each in (broker, *fallbacks)]
        self.topics = Topics()
        self.look_at(broker)
        self._bundle = bundle
        self._bundles = bundles or {}
        self._folder = folder
        self._more = tuple(more)
        super().__init__({name: self.agent(name, role=name) for name in AGENTS})

    @property
    def logs(self) -> dict[str, str]:
        """The log of each agent, by its name."""
        return {log.stem: log.read_text("utf-8") for log in sorted(self._folder.glob("*.log"))}

    def agent(
        self, name: str, *, role: str, agent_id: str = "", more: Sequence[str] = ()
    ) -> AgentProcess:
        """An agent of this broker that is not started; close it, unless it is of the two.

        more: further options.
        """
        options = ["--role", role, "--id", agent_id or name, "--broker", ",".join(self.urls)]
        options += self._more
        bundle = self._bundles.get(name, self._bundle)
        return AgentProcess(
            [*options, "--bundle", str(bundle), *more],
            log=self._folder / f"{name}.log",
        )

    # Looking.

    def look_at(self, broker: LocalBroker) -> None:
        """From now on, see what happens at this broker."""
        self.broker = broker
        self.bus = MqttBus(BrokerAddress.parse(broker.url))

    def snapshot(self, *, heartbeats_s: float = 0.0) -> ClusterSnapshot:
        return cluster_snapshot(
            self.bus, self.topics, timeout_s=TIMEOUT_S, quiet_s=0.05, heartbeats_s=heartbeats_s
        )

    @contextmanager
    def listening(self, *topic_filters: str) -> Iterator[Recorder]:
        """A link that hears what is published from now on."""
        recorder = Recorder(self.bus, LinkOptions(f"listener-{id(topic_filters):x}"))
        recorder.opened()
        try:
            recorder.subscribe(*(Subscription(each, qos=1) for each in topic_filters))
            yield recorder
        finally:
            recorder.link.close()

    # Waiting.

    def assemble(self, mode: Mode) -> None:
        """Start the agents that do not run, and wait until both serve in `mode`."""
        for agent in self._agents.values():
            if not agent.is_started:
                agent.start()
        self.wait_until_formed(mode)

    def wait_until_formed(self, mode: Mode) -> None:
        """Wait until both serve in `mode`, each with its slot and the master as the leader."""

        def formed(snapshot: ClusterSnapshot) -> bool:
            state = snapshot.state
            if state is None or not snapshot.has_leader:
                return False
            if state.operator_mode is not mode:
                set_mode(self.bus, self.topics, mode)
                return False
            return (
                state.leader == MASTER
                and state.placement == PLACEMENT
                and {each.agent: each.serving for each in snapshot.online}
                == dict.fromkeys(AGENTS, mode)
            )

        self._wait_until(formed, f"the cluster is not complete and in {mode}")

    def wait_until_alone(self, survivor: str) -> None:
        """Wait until the cluster's only member is this one, and leads."""

        def alone(snapshot: ClusterSnapshot) -> bool:
            state = snapshot.state
            return state is not None and (state.leader, state.members) == (survivor, (survivor,))

        self._wait_until(alone, f"{survivor} does not lead alone")

    def wait_until_led(self) -> None:
        """Wait until somebody leads."""
        self._wait_until(lambda snapshot: snapshot.has_leader, "nobody leads")

    def settle(self) -> None:
        """Wait until no agent holds a request: each has been answered and let go of."""

        def idle(snapshot: ClusterSnapshot) -> bool:
            beats = snapshot.heartbeats
            return len(beats) == len(snapshot.online) and not any(
                beat.queue for beat in beats.values()
            )

        self._wait_until(idle, "requests are still held", heartbeats_s=2.0)

    def _wait_until(
        self, condition: Callable[[ClusterSnapshot], bool], what: str, *, heartbeats_s: float = 0.0
    ) -> None:
        def holds() -> bool:
            self.check()
            return condition(self.snapshot(heartbeats_s=heartbeats_s))

        wait_until(holds, timeout_s=TIMEOUT_S, what=what)
