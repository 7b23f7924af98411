"""A device dies without a word in the middle of a stream, and comes back."""

import pytest

from fluid import FluidClient
from fluid.messages import Mode
from tests.integration.harness.cluster import AGENTS, ALONE, MASTER, OTHER, WORKER, Cluster
from tests.integration.harness.load import Load
from tests.integration.harness.oracle import Oracle

EVERYBODY = {Mode.HA: (MASTER, WORKER)}


def _expect_survivor(cluster: Cluster, load: Load, survivor: str) -> None:
    """Wait until it serves alone; what is asked from then on, it answers with its own half."""
    cluster.wait_until_alone(survivor)
    mark = load.mark()
    load.wait_for_more(300)
    assert {(result.subnetwork, result.devices) for result in load.results_since(mark)} == {
        (ALONE[survivor], (survivor,))
    }


@pytest.mark.parametrize("victim", AGENTS)
@pytest.mark.parametrize("mode", [Mode.HA, Mode.HT])
def test_nothing_is_lost_when_a_device_is_killed_and_it_takes_part_again_when_it_returns(
    cluster: Cluster, client: FluidClient, oracle: Oracle, mode: Mode, victim: str
) -> None:
    cluster.assemble(mode)
    with Load(client, oracle) as load:
        cluster[victim].kill()
        _expect_survivor(cluster, load, OTHER[victim])
        cluster.assemble(mode)
        load.wait_for_answer_by(EVERYBODY.get(mode, (victim,)))
        load.wait_for_more(1000)
        results = load.finish()
    assert {result.mode for result in results} == {mode}


@pytest.mark.parametrize("mode", [Mode.HA, Mode.HT])
def test_nothing_is_lost_when_the_devices_are_killed_in_turn(
    cluster: Cluster, client: FluidClient, oracle: Oracle, mode: Mode
) -> None:
    cluster.assemble(mode)
    with Load(client, oracle) as load:
        for victim in (WORKER, MASTER, WORKER):
            cluster[victim].kill()
            _expect_survivor(cluster, load, OTHER[victim])
            cluster.assemble(mode)
            load.wait_for_answer_by(EVERYBODY.get(mode, (victim,)))


@pytest.mark.parametrize("mode", [Mode.HA, Mode.HT])
def test_nothing_is_lost_when_a_device_is_back_before_it_is_missed(
    cluster: Cluster, client: FluidClient, oracle: Oracle, mode: Mode
) -> None:
    cluster.assemble(mode)
    with Load(client, oracle) as load:
        for victim in AGENTS:
            cluster[victim].kill()
            cluster[victim].start()
            load.wait_for_more(300)
            cluster.wait_until_formed(mode)
            load.wait_for_answer_by(EVERYBODY.get(mode, (victim,)))


def test_nothing_is_lost_while_nobody_serves(
    cluster: Cluster, client: FluidClient, oracle: Oracle
) -> None:
    cluster.assemble(Mode.HA)
    with Load(client, oracle) as load:
        for agent in AGENTS:
            cluster[agent].kill()
        cluster.assemble(Mode.HA)
        load.wait_for_more(300)
