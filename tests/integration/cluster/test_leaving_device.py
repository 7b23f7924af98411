"""A device is stopped in good order, as `systemctl stop` does."""

import pytest

from fluid import FluidClient
from fluid.messages import AgentState, Mode
from tests.integration.harness.cluster import AGENTS, MASTER, OTHER, WORKER, Cluster
from tests.integration.harness.load import Load
from tests.integration.harness.oracle import Oracle


@pytest.mark.parametrize("leaver", AGENTS)
@pytest.mark.parametrize("mode", [Mode.HA, Mode.HT])
def test_a_device_leaves_with_status_0_and_nothing_is_lost(
    cluster: Cluster, client: FluidClient, oracle: Oracle, mode: Mode, leaver: str
) -> None:
    cluster.assemble(mode)
    cluster.settle()
    with Load(client, oracle) as load:
        assert cluster[leaver].leave() == 0
        (presence,) = (each for each in cluster.snapshot().presences if each.agent == leaver)
        assert presence.state is AgentState.OFFLINE
        cluster.wait_until_alone(OTHER[leaver])
        load.wait_for_more(300)
        load.finish()
    cluster.settle()
    if mode is Mode.HT:
        assert client.statistics.duplicates == 0
    assert client.statistics.resent == 0


def test_all_leave_and_their_requests_wait_for_those_that_come(
    cluster: Cluster, client: FluidClient, oracle: Oracle
) -> None:
    cluster.assemble(Mode.HT)
    with Load(client, oracle) as load:
        for agent in (WORKER, MASTER):
            assert cluster[agent].leave() == 0
        assert cluster.snapshot().online == ()
        cluster.assemble(Mode.HT)
        load.wait_for_more(300)
