"""Another bundle comes to one device after the other while images are streaming in."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from broker import LocalBroker
from fluid import FluidClient
from fluid.bundle import Bundle, write_bundle
from fluid.interpreter import InterpreterPackage
from fluid.messages import Mode
from tests.integration.harness.bundles import other_answers
from tests.integration.harness.cluster import AGENTS, MASTER, TOGETHER, WORKER, Cluster
from tests.integration.harness.load import Load
from tests.integration.harness.oracle import Oracle, Oracles

if TYPE_CHECKING:
    from trainer.data import Dataset


@dataclass(frozen=True, slots=True)
class Rollout:
    """A cluster whose agents each have a link to their bundle, and the bundles there are."""

    cluster: Cluster
    first: Bundle
    second: Bundle
    folder: Path

    def point(self, agent: str, name: str) -> None:
        """Put another bundle in place, at one stroke."""
        made = self.folder / f"{agent}.made"
        made.symlink_to(self.folder / name)
        made.replace(self.folder / agent)


@pytest.fixture
def rollout(bundle: Bundle, tmp_path: Path) -> Iterator[Rollout]:
    second = other_answers(bundle)
    for name, each in (("first", bundle), ("second", second), ("bad", second)):
        write_bundle(tmp_path / name, each)
    bad = tmp_path / "bad" / "upper50.tflite"
    damaged = bytearray(bad.read_bytes())
    damaged[-1] ^= 1
    bad.write_bytes(damaged)
    links = {agent: tmp_path / agent for agent in AGENTS}
    with (
        LocalBroker(persistence=True) as broker,
        Cluster(broker, bundle=tmp_path / "first", folder=tmp_path, bundles=links) as cluster,
    ):
        rollout = Rollout(cluster, bundle, second, tmp_path)
        for agent in AGENTS:
            rollout.point(agent, "first")
        yield rollout


@pytest.fixture
def oracles(rollout: Rollout, digits: "Dataset", package: InterpreterPackage) -> Oracles:
    images = digits.test.images
    return Oracles(
        *(Oracle(each, images, package=package) for each in (rollout.first, rollout.second))
    )


@pytest.mark.parametrize("mode", [Mode.HA, Mode.HT])
def test_no_request_fails_while_the_devices_change_their_bundle(
    rollout: Rollout, oracles: Oracles, mode: Mode
) -> None:
    cluster, old, new = rollout.cluster, rollout.first.digest[:12], rollout.second.digest[:12]
    cluster.assemble(mode)
    with (
        FluidClient(cluster.broker.url) as client,
        Load(client, oracles) as load,
    ):
        rollout.point(WORKER, "bad")
        cluster[WORKER].reload()
        cluster[WORKER].wait_until_it_logs("bundle_refused")
        mark = load.mark()
        load.wait_for_more(200)
        assert {result.bundle for result in load.results_since(mark)} == {old}

        rollout.point(MASTER, "second")  # and the agent finds out by itself
        cluster[MASTER].wait_until_it_logs("bundle_switched")
        load.wait_for_more(300)
        mixed = load.mark()
        load.wait_for_more(300)
        assert {result.bundle for result in load.results_since(mixed)} == {old, new}

        rollout.point(WORKER, "second")
        cluster[WORKER].reload()
        cluster[WORKER].wait_until_it_logs("bundle_switched")
        mark = load.mark()
        load.wait_for_more(300)
        after = load.results_since(mark)
        load.finish()
    assert {result.bundle for result in after} == {new}
    if mode is Mode.HA:
        assert {result.subnetwork for result in after} == {TOGETHER}
    assert client.statistics.resent == 0
    assert client.statistics.duplicates == 0
