"""An operator changes the mode while images are streaming in."""

import pytest

from fluid import FluidClient, set_mode
from fluid.messages import Mode
from tests.integration.harness.cluster import MASTER, TOGETHER, WORKER, Cluster
from tests.integration.harness.load import Load
from tests.integration.harness.oracle import Oracle


def test_nothing_is_lost_while_the_mode_changes_to_and_fro(
    cluster: Cluster, client: FluidClient, oracle: Oracle
) -> None:
    cluster.assemble(Mode.HA)
    with Load(client, oracle) as load:
        for mode in [Mode.HT, Mode.HA] * 4:
            cluster.wait_until_formed(mode)
            mark = load.mark()
            load.wait_for_more(200)
            assert {result.mode for result in load.results_since(mark)} == {mode}
        results = load.finish()
    assert client.statistics.resent == 0  # at no moment was there nobody to take a request
    assert {TOGETHER} < {result.subnetwork for result in results}


@pytest.mark.parametrize("mode", [Mode.HT, Mode.HA])
def test_the_operators_word_outlives_the_leader_that_heard_it(cluster: Cluster, mode: Mode) -> None:
    cluster.assemble(mode)
    cluster[MASTER].kill()
    cluster.wait_until_alone(WORKER)
    state = cluster.snapshot().state
    assert state is not None
    assert (state.mode, state.operator_mode) == (mode, mode)


def test_the_operators_word_counts_however_soon_after_the_start_it_is_said(
    cluster: Cluster,
) -> None:
    """While both devices are new, leadership may change hands just as it is said."""
    for mode in [Mode.HT, Mode.HA] * 3:
        for agent in (MASTER, WORKER):
            cluster[agent].close()
        for agent in (MASTER, WORKER):
            cluster[agent].start()
        cluster.wait_until_led()
        state = set_mode(cluster.bus, cluster.topics, mode, timeout_s=20.0).state
        assert state is not None
        assert (state.mode, state.operator_mode) == (mode, mode)
