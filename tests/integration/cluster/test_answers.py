"""Whatever device answers, and together with whom: the bundle's own numbers, to the last bit."""

from collections.abc import Sequence

from fluid import FluidClient
from fluid.client import Answer
from fluid.messages import Mode, Result
from tests.integration.harness.cluster import ALONE, MASTER, TOGETHER, WORKER, Cluster
from tests.integration.harness.load import WINDOW
from tests.integration.harness.oracle import Oracle

IMAGES = 200


def _ask(client: FluidClient, oracle: Oracle) -> list[Result]:
    images = (oracle.image(index) for index in range(IMAGES))
    return _results(list(client.infer_many(images, window=WINDOW, probabilities=True)))


def _results(answers: Sequence[Answer]) -> list[Result]:
    return [answer.result() for answer in answers]


def test_in_ha_both_devices_answer_each_image_together_as_one_device_would(
    cluster: Cluster, client: FluidClient, oracle: Oracle
) -> None:
    cluster.assemble(Mode.HA)
    results = _ask(client, oracle)
    assert {(result.subnetwork, result.devices) for result in results} == {
        (TOGETHER, (MASTER, WORKER))
    }
    assert {(result.mode, result.degraded) for result in results} == {(Mode.HA, False)}
    assert [result.probabilities for result in results] == [
        oracle.expected(TOGETHER, index).probabilities for index in range(IMAGES)
    ]
    assert [result.label for result in results] == [
        oracle.expected(TOGETHER, index).label for index in range(IMAGES)
    ]


def test_in_ht_each_device_answers_images_of_its_own_with_its_own_sub_network(
    cluster: Cluster, client: FluidClient, oracle: Oracle
) -> None:
    cluster.assemble(Mode.HT)
    results = _ask(client, oracle)
    assert {(result.subnetwork, result.devices) for result in results} == {
        (ALONE[MASTER], (MASTER,)),
        (ALONE[WORKER], (WORKER,)),
    }
    assert {result.mode for result in results} == {Mode.HT}
    assert [result.probabilities for result in results] == [
        oracle.expected(result.subnetwork, index).probabilities
        for index, result in enumerate(results)
    ]
