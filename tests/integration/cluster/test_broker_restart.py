"""The broker goes away under load and comes back; or was not there yet."""

import re
from collections.abc import Callable

import pytest

from broker import LocalBroker
from fluid import FluidClient
from fluid.messages import Mode
from tests.integration.harness.cluster import AGENTS, Cluster
from tests.integration.harness.load import Load
from tests.integration.harness.oracle import Oracle


def _stop(broker: LocalBroker) -> None:
    broker.stop()


def _kill(broker: LocalBroker) -> None:
    broker.kill()


@pytest.mark.parametrize("end", [_stop, _kill])
@pytest.mark.parametrize("mode", [Mode.HA, Mode.HT])
def test_everything_is_answered_when_the_broker_restarts(
    cluster: Cluster,
    client: FluidClient,
    oracle: Oracle,
    mode: Mode,
    end: Callable[[LocalBroker], None],
) -> None:
    cluster.assemble(mode)
    before = {agent: len(_retries(cluster, agent)) for agent in AGENTS}
    with Load(client, oracle) as load:
        end(cluster.broker)
        for agent in AGENTS:
            cluster[agent].wait_until_it_logs("link_closed", times=before[agent] + 3)
        cluster.broker.start()
        cluster.wait_until_formed(mode)
        load.wait_for_more(300)


def test_agents_wait_for_a_broker_that_is_not_there_yet_ever_longer_and_say_so(
    cluster: Cluster, client: FluidClient, oracle: Oracle
) -> None:
    for agent in AGENTS:
        cluster[agent].close()
    cluster.broker.stop()
    before = {agent: len(_retries(cluster, agent)) for agent in AGENTS}
    for agent in AGENTS:
        cluster[agent].start()
    for agent in AGENTS:
        cluster[agent].wait_until_it_logs("link_closed", times=before[agent] + 4)
        pauses_s = _retries(cluster, agent)[before[agent] :][:4]
        assert pauses_s == [0.1, 0.2, 0.4, 0.8]
        assert f"cannot connect to mqtt://127.0.0.1:{cluster.broker.port}" in cluster[agent].log
    cluster.broker.start()
    cluster.assemble(Mode.HA)
    oracle.check(client.infer(oracle.image(0)), 0)


def _retries(cluster: Cluster, agent: str) -> list[float]:
    """The pauses before each new connection, as the agent has logged them."""
    lines = [line for line in cluster[agent].log.splitlines() if "link_closed" in line]
    return [float(pause) for line in lines for pause in re.findall(r"retry_in_s=([\d.]+)", line)]
