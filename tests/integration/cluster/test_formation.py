"""Two devices and a broker become a cluster, and say so."""

import pytest

from fluid.messages import AgentState, Mode, Role
from tests.integration.harness.cluster import AGENTS, MASTER, PLACEMENT, WORKER, Cluster
from tests.integration.harness.oracle import Oracle


@pytest.mark.parametrize("first", AGENTS)
def test_master_and_worker_form_a_cluster_whichever_boots_first(
    cluster: Cluster, oracle: Oracle, first: str
) -> None:
    for agent in AGENTS:
        cluster[agent].close()
    cluster[first].start()
    cluster.wait_until_alone(first)
    cluster.assemble(Mode.HA)

    snapshot = cluster.snapshot(heartbeats_s=2.0)
    assert snapshot.state is not None
    assert snapshot.state.leader == MASTER
    assert snapshot.state.members == (MASTER, WORKER)
    assert snapshot.state.placement == PLACEMENT
    assert {(each.agent, each.role) for each in snapshot.online} == {
        (MASTER, Role.MASTER),
        (WORKER, Role.WORKER),
    }
    for presence in snapshot.presences:
        assert presence.state is AgentState.ONLINE
        assert presence.serving is Mode.HA
        assert presence.bundle == oracle.digest
    assert set(snapshot.heartbeats) == set(AGENTS)
    assert snapshot.unreadable == 0
