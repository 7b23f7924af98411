"""Two devices with a broker on each: either may go, with its broker or without."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker import LocalBroker
from fluid import FluidClient
from fluid.client import Backoff, ResendPolicy
from fluid.messages import Mode
from tests.integration.harness.cluster import ALONE, MASTER, WORKER, Cluster
from tests.integration.harness.load import Load
from tests.integration.harness.oracle import Oracle

ANSWERING = {Mode.HA: (MASTER, WORKER), Mode.HT: (MASTER,)}
MODES = [Mode.HA, Mode.HT]


@pytest.fixture
def preferred() -> Iterator[LocalBroker]:
    with LocalBroker(persistence=True) as broker:
        yield broker


@pytest.fixture
def fallback() -> Iterator[LocalBroker]:
    with LocalBroker(persistence=True) as broker:
        yield broker


@pytest.fixture
def cluster(
    preferred: LocalBroker, fallback: LocalBroker, bundle_folder: Path, tmp_path: Path
) -> Iterator[Cluster]:
    with Cluster(preferred, bundle=bundle_folder, folder=tmp_path, fallbacks=[fallback]) as cluster:
        yield cluster


@pytest.fixture
def client(cluster: Cluster) -> Iterator[FluidClient]:
    """A client that asks again only where a link was lost: what the cluster loses is lost."""
    never = Backoff(first_s=3600.0, greatest_s=3600.0)
    with FluidClient(cluster.urls, resend=ResendPolicy(unanswered=never)) as client:
        yield client


def _expect_alone(cluster: Cluster, load: Load, survivor: str) -> None:
    """Wait until it serves alone; what is asked from then on, it answers with its own half."""
    cluster.wait_until_alone(survivor)
    load.wait_for_answer_by((survivor,))
    mark = load.mark()
    load.wait_for_more(300)
    assert {(result.subnetwork, result.devices) for result in load.results_since(mark)} == {
        (ALONE[survivor], (survivor,))
    }


@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_lost_when_either_device_goes_together_with_its_broker(
    cluster: Cluster,
    preferred: LocalBroker,
    fallback: LocalBroker,
    client: FluidClient,
    oracle: Oracle,
    mode: Mode,
) -> None:
    cluster.assemble(mode)
    with Load(client, oracle) as load:
        cluster[MASTER].kill()
        preferred.kill()
        cluster.look_at(fallback)
        _expect_alone(cluster, load, WORKER)

        preferred.start()
        cluster[MASTER].start()
        cluster.look_at(preferred)
        cluster.wait_until_formed(mode)
        load.wait_for_answer_by(ANSWERING[mode])

        cluster[WORKER].kill()
        fallback.kill()
        _expect_alone(cluster, load, MASTER)
        results = load.finish()
    assert {result.mode for result in results} == {mode}


@pytest.mark.parametrize("mode", MODES)
def test_all_move_to_the_other_broker_and_back_and_lose_nothing(
    cluster: Cluster,
    preferred: LocalBroker,
    fallback: LocalBroker,
    client: FluidClient,
    oracle: Oracle,
    mode: Mode,
) -> None:
    cluster.assemble(mode)
    with Load(client, oracle) as load:
        for _ in range(2):
            preferred.kill()
            cluster.look_at(fallback)
            cluster.wait_until_formed(mode)
            load.wait_for_answer_by(ANSWERING[mode])

            preferred.start()
            cluster.look_at(preferred)
            cluster.wait_until_formed(mode)
            load.wait_for_answer_by(ANSWERING[mode])
    for name in (MASTER, WORKER):
        assert f"broker={fallback.url}" in cluster[name].log


def test_the_loss_of_the_fallback_is_not_even_noticed(
    cluster: Cluster, fallback: LocalBroker, client: FluidClient, oracle: Oracle
) -> None:
    cluster.assemble(Mode.HA)
    with Load(client, oracle) as load:
        fallback.kill()
        load.wait_for_more(300)
        results = load.finish()
    assert {result.subnetwork for result in results} == {"100"}
    assert client.statistics.resent == 0
    for name in (MASTER, WORKER):
        assert "link_closed" not in cluster[name].log


@pytest.mark.parametrize("mode", MODES)
def test_a_broker_that_stalls_is_left_and_returned_to_and_nothing_is_lost(
    cluster: Cluster, preferred: LocalBroker, client: FluidClient, oracle: Oracle, mode: Mode
) -> None:
    cluster.assemble(mode)
    with Load(client, oracle) as load:
        os.kill(preferred.pid, signal.SIGSTOP)
        for name in (MASTER, WORKER):
            cluster[name].wait_until_it_logs("broker_silent")
        os.kill(preferred.pid, signal.SIGCONT)
        cluster.wait_until_formed(mode)
        load.wait_for_answer_by(ANSWERING[mode])
        results = load.finish()
    assert {result.mode for result in results} == {mode}
