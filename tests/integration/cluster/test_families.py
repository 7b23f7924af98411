"""All three families on the same agents, and what is left of each when a device is gone.

A static network's slots read each other at every layer, and a dynamic one's upper slot the lower
one: their devices hand each other feature maps. Nothing that is asked is lost or left waiting.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from broker import LocalBroker
from fluid import FluidClient, set_mode
from fluid.bundle import Bundle, write_bundle
from fluid.client import Backoff, ResendPolicy
from fluid.errors import ErrorCode, RequestRefused
from fluid.interpreter import InterpreterPackage
from fluid.messages import Mode, Result
from tests.integration.harness.cluster import AGENTS, MASTER, OTHER, TOGETHER, WORKER, Cluster
from tests.integration.harness.load import WINDOW
from tests.integration.harness.oracle import Oracle
from tests.processes import wait_until
from tests.trained import TrainedFamily
from trainer.data import Dataset
from trainer.topology import Family, Topology

pytestmark = pytest.mark.devices  # three families take a while to train

# Of each family, by who alone is left: the sub-network that answers; None: nothing can be run.
LEFT: dict[Family, dict[str, str | None]] = {
    Family.STATIC: {MASTER: None, WORKER: None},
    Family.DYNAMIC: {MASTER: "lower50", WORKER: None},
    Family.FLUID: {MASTER: "lower50", WORKER: "upper50"},
}
MISSING = {MASTER: "lower", WORKER: "upper"}  # the slot that goes with a device
CUT = [Family.STATIC, Family.DYNAMIC]
Images = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Served:
    """A cluster that serves a family's bundle, a client that does not ask again for want of an
    answer, and what is right."""

    family: Family
    bundle: Bundle
    cluster: Cluster
    client: FluidClient
    oracle: Oracle

    def ask(self, images: Iterable[Images]) -> list[Result | RequestRefused]:
        """What becomes of each image."""
        outcomes: list[Result | RequestRefused] = []
        for answer in self.client.infer_many(images, window=WINDOW, logits=True):
            try:
                outcomes.append(answer.result())
            except RequestRefused as refusal:
                outcomes.append(refusal)
        return outcomes

    def let_return(self) -> None:
        """Have the devices work together again. What comes in the very moment of a return may be
        answered by one that does not know of the other yet."""
        self.ask(self.oracle.images[:WINDOW])
        self.cluster.settle()

    def expect_answers_of(self, subnetwork: str, *devices: str) -> list[Result]:
        """Ask for all images: these devices answer with the sub-network's bits."""
        outcomes = self.ask(self.oracle.images)
        results = [each for each in outcomes if isinstance(each, Result)]
        assert len(results) == len(outcomes), outcomes
        assert {(each.subnetwork, each.devices, each.degraded) for each in results} == {
            (subnetwork, devices, False)
        }
        answered = np.array([each.logits for each in results], np.float32)
        assert answered.tobytes() == self.oracle.logits[subnetwork].tobytes()
        return results


@pytest.fixture(scope="module", params=list(Family), ids=str)
def served(
    request: pytest.FixtureRequest,
    trained_family: TrainedFamily,
    digits: Dataset,
    package: InterpreterPackage,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:
    family: Family = request.param
    bundle = trained_family(Topology.of(2, family=family)).bundle
    folder: Path = tmp_path_factory.mktemp(str(family))
    write_bundle(folder / "bundle", bundle)
    never = Backoff(first_s=3600.0, greatest_s=3600.0)
    oracle = Oracle(bundle, digits.test.images, package=package)
    with (
        LocalBroker(persistence=True) as broker,
        Cluster(broker, bundle=folder / "bundle", folder=folder) as cluster,
        FluidClient(broker.url, resend=ResendPolicy(unanswered=never)) as client,
    ):
        yield Served(family, bundle, cluster, client, oracle)


def test_both_devices_give_the_bits_and_the_accuracy_of_an_evaluation(
    served: Served, digits: Dataset
) -> None:
    served.cluster.assemble(Mode.HA)
    results = served.expect_answers_of(TOGETHER, MASTER, WORKER)
    right = np.mean([each.label for each in results] == digits.test.labels)
    (whole,) = (each for each in served.bundle.manifest.subnetworks if each.name == TOGETHER)
    assert right == whole.int8_accuracy


def test_a_batch_is_answered_as_its_images_are(served: Served) -> None:
    served.cluster.assemble(Mode.HA)
    results = served.client.infer_batch(served.oracle.images[:50], logits=True)
    answered = np.array([each.logits for each in results], np.float32)
    assert answered.tobytes() == served.oracle.logits[TOGETHER][:50].tobytes()


@pytest.mark.parametrize("victim", AGENTS)
def test_what_is_left_when_a_device_is_gone_and_all_of_it_when_it_is_back(
    served: Served, victim: str
) -> None:
    cluster, survivor = served.cluster, OTHER[victim]
    cluster.assemble(Mode.HA)
    cluster[victim].kill()
    cluster.wait_until_alone(survivor)
    left = LEFT[served.family][survivor]
    if left is not None:
        served.expect_answers_of(left, survivor)
    else:
        outcomes = served.ask(served.oracle.images[: 2 * WINDOW])
        assert {getattr(each, "code", each) for each in outcomes} == {ErrorCode.NOTHING_RUNNABLE}
        assert f"the slot {MISSING[victim]}" in str(outcomes[0])
    cluster.assemble(Mode.HA)
    served.let_return()
    served.expect_answers_of(TOGETHER, MASTER, WORKER)


@pytest.mark.parametrize("victim", AGENTS)
def test_whatever_is_under_way_when_a_device_is_killed_is_answered(
    served: Served, victim: str
) -> None:
    cluster, oracle = served.cluster, served.oracle
    cluster.assemble(Mode.HA)

    def images() -> Iterator[Images]:
        for number in range(600):
            if number == 200:
                cluster[victim].kill()
            if number == 400:
                cluster[victim].start()
            yield oracle.image(number)

    outcomes = served.ask(images())
    results = {n: each for n, each in enumerate(outcomes) if isinstance(each, Result)}
    refused = Counter(each.code for each in outcomes if isinstance(each, RequestRefused))
    for number, result in results.items():
        assert oracle.problem(result, number) == ""
    assert len(outcomes) == 600
    assert set(refused) <= ({ErrorCode.NOTHING_RUNNABLE} if served.family in CUT else set())
    cluster.wait_until_formed(Mode.HA)
    cluster.settle()
    served.expect_answers_of(TOGETHER, MASTER, WORKER)


def test_a_device_that_hangs_holds_nothing_up_for_ever(served: Served) -> None:
    served.cluster.assemble(Mode.HA)
    served.cluster[WORKER].suspend()
    outcomes = served.ask(served.oracle.images[:WINDOW])
    left = LEFT[served.family][MASTER] or ErrorCode.NOTHING_RUNNABLE
    found = {getattr(each, "code", getattr(each, "subnetwork", "")) for each in outcomes}
    assert found == {left}
    served.cluster[WORKER].resume()
    served.cluster.wait_until_formed(Mode.HA)
    served.let_return()
    served.expect_answers_of(TOGETHER, MASTER, WORKER)


def test_ht_is_for_devices_that_answer_alone(served: Served) -> None:
    cluster = served.cluster
    cluster.assemble(Mode.HA)
    set_mode(cluster.bus, cluster.topics, Mode.HT, timeout_s=3.0)
    serving = {
        Family.STATIC: {MASTER: Mode.HA, WORKER: Mode.HA},
        Family.DYNAMIC: {MASTER: Mode.HT, WORKER: None},
        Family.FLUID: {MASTER: Mode.HT, WORKER: Mode.HT},
    }[served.family]
    wait_until(
        lambda: {each.agent: each.serving for each in cluster.snapshot().online} == serving,
        timeout_s=60.0,
        what=f"they do not serve {serving}",
    )
    outcomes = served.ask(served.oracle.images[: 2 * WINDOW])
    found = {getattr(each, "subnetwork", each) for each in outcomes}
    assert (
        found
        == {
            Family.STATIC: {TOGETHER},
            Family.DYNAMIC: {"lower50"},
            Family.FLUID: {"lower50", "upper50"},
        }[served.family]
    )
