"""A cluster of any number of agents, as real processes at a real broker.

Owns the processes and looks at the cluster from outside; what happens to it is its users'.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from broker import LocalBroker
from fluid.bus.mqtt import BrokerAddress, MqttBus
from fluid.client import ClusterSnapshot, cluster_snapshot, set_mode
from fluid.errors import BrokerError
from fluid.messages import Mode, Presence
from fluid.topics import Topics
from tests.integration.harness.agents import AgentProcess
from tests.integration.harness.group import AgentGroup
from tests.processes import wait_until

FORMED_TIMEOUT_S = 60.0  # only to end a round that never ends
# Long enough to hear a heartbeat of everybody who is alive; a silent one is not waited for longer.
_HEARTBEATS_S = 0.8


class Fleet(AgentGroup):
    """In `with`, all agents start at once. `names` has the best to lead first, which is
    the only master."""

    def __init__(
        self,
        broker: LocalBroker,
        size: int,
        *,
        bundle: Path,
        folder: Path,
        options: Sequence[str] = (),
    ) -> None:
        """broker: a started one. folder: where the agents' logs go. options: more, for each."""
        self.broker = broker
        self.topics = Topics()
        self.bus = MqttBus(BrokerAddress.parse(broker.url))
        self.names = ("master", *(f"worker{number}" for number in range(1, size)))
        common = ["--broker", broker.url, "--bundle", str(bundle), *options]
        super().__init__(
            {
                name: AgentProcess(
                    ["--role", name.rstrip("0123456789"), "--id", name, *common],
                    log=folder / f"{name}.log",
                )
                for name in self.names
            }
        )

    def __enter__(self) -> Self:
        for agent in self._agents.values():
            agent.start()
        return super().__enter__()

    @property
    def logs(self) -> dict[str, str]:
        """The log of each agent, by its name."""
        return {name: agent.log for name, agent in self._agents.items()}

    def snapshot(self, *, heartbeats_s: float = 0.0) -> ClusterSnapshot:
        """Raises `BrokerError` while the broker is away."""
        return cluster_snapshot(
            self.bus, self.topics, timeout_s=3.0, quiet_s=0.05, heartbeats_s=heartbeats_s
        )

    def wait_until(
        self,
        condition: Callable[[ClusterSnapshot], bool],
        what: str,
        *,
        heartbeats_s: float = 0.0,
    ) -> None:
        """Wait until the cluster looks like that. what: how it stands while it does not.

        Fails if an agent ends that nobody has ended.
        """

        def holds() -> bool:
            self.check()
            try:
                return condition(self.snapshot(heartbeats_s=heartbeats_s))
            except BrokerError:  # the broker is on its way up
                return False

        wait_until(holds, timeout_s=FORMED_TIMEOUT_S, what=what)

    def wait_until_formed(self, mode: Mode, *, members: Sequence[str] = ()) -> int:
        """Wait until all of `members` (by default all) serve in `mode`, led by the best of them.

        The operator's word is said again if the cluster has not taken it up; returns how often.
        """
        members = members or self.names
        words = 0

        def formed(snapshot: ClusterSnapshot) -> bool:
            nonlocal words
            if _needs_word(snapshot, mode):
                words += 1
                set_mode(self.bus, self.topics, mode, timeout_s=1.0)
                return False
            return is_formed(snapshot, mode, members)

        self.wait_until(formed, f"not all serve in {mode}", heartbeats_s=_HEARTBEATS_S)
        return words


def is_formed(snapshot: ClusterSnapshot, mode: Mode, members: Sequence[str]) -> bool:
    """Whether exactly `members` (the best first) are in the cluster and serve in `mode`."""
    state = snapshot.state
    if state is None or state.leader != members[0] or set(state.members) != set(members):
        return False
    serving = {each.agent for each in _present(snapshot) if each.serving is mode}
    placed = {agent for holders in state.placement.values() for agent in holders}
    return state.mode is mode and serving == set(members) and set(members) <= placed


def _needs_word(snapshot: ClusterSnapshot, mode: Mode) -> bool:
    """Whether a leader is there that has not heard, or has forgotten, what the operator wants."""
    state = snapshot.state
    return (
        state is not None
        and state.operator_mode is not mode
        and any(each.agent == state.leader for each in _present(snapshot))
    )


def _present(snapshot: ClusterSnapshot) -> list[Presence]:
    """Who is there: a broker that was killed may hold presences of the past, but only those who
    live send heartbeats of the same incarnation."""
    beats = snapshot.heartbeats
    return [
        each
        for each in snapshot.online
        if each.agent in beats and beats[each.agent].incarnation == each.incarnation
    ]
