"""Two devices together, and one that runs the same sub-network alone: the same float32 bits.

All of them are real agents; the numbers are compared as they come out of the clients.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from broker import LocalBroker
from fluid import FluidClient
from fluid.messages import Mode, Result
from tests.integration.harness.cluster import TOGETHER
from tests.integration.harness.fleet import Fleet
from tests.integration.harness.oracle import Oracle

Bits = NDArray[np.uint32]
ALONE = ("master",)
PAIR = ("master", "worker1")
MODES = (Mode.HA, Mode.HT)
BATCH = 50
# Of the clusters by their names: how many agents, with which options.
CLUSTERS: dict[str, tuple[int, Sequence[str]]] = {
    "pair": (2, ()),
    "alone": (1, ("--max-slots", "2")),
    "lower": (1, ("--pin-slot", "lower")),
    "upper": (1, ("--pin-slot", "upper")),
}


class Clusters:
    """Several clusters, each at a broker of its own, so that none hears of another."""

    def __init__(self, fleets: dict[str, Fleet], oracle: Oracle) -> None:
        self._fleets = fleets
        self._images = oracle.images

    def ask(self, name: str, mode: Mode) -> list[Result]:
        """What one of them answers in a mode to all of the oracle's images, one by one."""
        with self._client(name, mode) as client:
            stream = client.infer_many(self._images, probabilities=True, logits=True)
            return [answer.result() for answer in stream]

    def ask_for_batch(self, name: str, mode: Mode) -> list[Result]:
        """What one of them answers to the first images in one request."""
        with self._client(name, mode) as client:
            return client.infer_batch(self._images[:BATCH], probabilities=True, logits=True)

    @contextmanager
    def _client(self, name: str, mode: Mode) -> Iterator[FluidClient]:
        fleet = self._fleets[name]
        fleet.wait_until_formed(mode)
        with FluidClient(fleet.broker.url) as client:
            yield client


@pytest.fixture(scope="module")
def clusters(
    bundle_folder: Path, oracle: Oracle, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Clusters]:
    fleets = {}
    with ExitStack() as stack:
        for name, (size, options) in CLUSTERS.items():
            broker = stack.enter_context(LocalBroker())
            folder = tmp_path_factory.mktemp(name)
            fleet = Fleet(broker, size, bundle=bundle_folder, folder=folder, options=options)
            fleets[name] = stack.enter_context(fleet)
        yield Clusters(fleets, oracle)


def _logits(results: Sequence[Result]) -> NDArray[np.float32]:
    """float32 (images, classes), read from the answers as anybody would."""
    return np.array([result.logits for result in results], np.float32)


def _bits(numbers: NDArray[np.float32]) -> Bits:
    return numbers.view(np.uint32)


def _logit_bits(results: Sequence[Result]) -> Bits:
    return _bits(_logits(results))


def _probability_bits(results: Sequence[Result]) -> Bits:
    return _bits(np.array([result.probabilities for result in results], np.float32))


def _expect_answers_of(results: Sequence[Result], subnetwork: str, devices: Sequence[str]) -> None:
    answered = {(each.subnetwork, each.devices, each.degraded) for each in results}
    assert answered == {(subnetwork, tuple(devices), False)}


@pytest.mark.parametrize("mode", MODES)
def test_two_devices_in_ha_give_the_bits_of_one_that_runs_the_same_sub_network(
    clusters: Clusters, oracle: Oracle, mode: Mode
) -> None:
    together = clusters.ask("pair", Mode.HA)
    alone = clusters.ask("alone", mode)
    assert len(together) == len(alone) == len(oracle.images)
    _expect_answers_of(together, TOGETHER, PAIR)
    _expect_answers_of(alone, TOGETHER, ALONE)
    np.testing.assert_array_equal(_logit_bits(together), _logit_bits(alone))
    np.testing.assert_array_equal(_probability_bits(together), _probability_bits(alone))
    assert len(np.unique(_logit_bits(together), axis=0)) > 100  # else equality would say little


@pytest.mark.parametrize("mode", MODES)
def test_a_batch_has_the_same_bits_as_its_images_one_by_one(clusters: Clusters, mode: Mode) -> None:
    together = clusters.ask_for_batch("pair", Mode.HA)
    one_by_one = clusters.ask("alone", mode)[:BATCH]
    _expect_answers_of(together, TOGETHER, PAIR)
    np.testing.assert_array_equal(_logit_bits(together), _logit_bits(one_by_one))
    np.testing.assert_array_equal(_probability_bits(together), _probability_bits(one_by_one))


def test_the_halves_add_up_to_the_whole(clusters: Clusters) -> None:
    lower, upper = clusters.ask("lower", Mode.HT), clusters.ask("upper", Mode.HT)
    _expect_answers_of(lower, "lower50", ALONE)
    _expect_answers_of(upper, "upper50", ALONE)
    total = _logits(lower) + _logits(upper)
    np.testing.assert_array_equal(_bits(total), _logit_bits(clusters.ask("pair", Mode.HA)))


def test_two_devices_in_ht_give_the_bits_of_one_that_has_that_half_alone(
    clusters: Clusters,
) -> None:
    pair = clusters.ask("pair", Mode.HT)
    halves = {
        "lower50": _logit_bits(clusters.ask("lower", Mode.HA)),
        "upper50": _logit_bits(clusters.ask("upper", Mode.HA)),
    }
    assert {result.subnetwork for result in pair} == set(halves)
    expected = np.array([halves[result.subnetwork][index] for index, result in enumerate(pair)])
    np.testing.assert_array_equal(_logit_bits(pair), expected)
