"""What the fleet answers to images, over TLS."""

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fluid import FluidClient
from fluid.messages import Result
from tests.fleet.conftest import Bundles
from tests.fleet.fleet import REQUESTER, Fleet
from tests.fleet.reference import Reference

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(2400)]


@pytest.fixture(scope="module")
def results(deployed: Fleet, pictures: NDArray[np.uint8]) -> list[Result]:
    """A result with logits for each picture."""
    with FluidClient(deployed.url(REQUESTER), ca_file=deployed.ca_file, timeout_s=120) as client:
        return [answer.result() for answer in client.infer_many(pictures, window=16, logits=True)]


def test_all_logits_are_those_of_the_same_interpreter_on_another_processor(
    results: list[Result], reference: Reference
) -> None:
    assert len(results) >= 200
    assert reference.interpreter == "tflite-runtime 2.14.0"
    problems = [reference.problem(result, index) for index, result in enumerate(results)]
    assert [problem for problem in problems if problem] == []


def test_the_devices_are_as_accurate_as_the_bundle_says(
    results: list[Result], bundles: Bundles
) -> None:
    labels = _mnist_labels(len(results))
    promised = min(
        each.int8_accuracy
        for each in bundles.first.manifest.subnetworks
        if each.int8_accuracy is not None
    )
    right = sum(int(result.label == label) for result, label in zip(results, labels, strict=True))
    accuracy = right / len(results)
    print(f"{right} of {len(results)} MNIST test images are right ({accuracy:.1%})")
    # Of so few images, one more or less is what chance does.
    assert accuracy >= promised - 3 * (promised * (1 - promised) / len(results)) ** 0.5


def _mnist_labels(count: int) -> list[int]:
    folder = os.environ.get("FLUID_DATA_DIR")
    archive = Path(folder) / "mnist.npz" if folder else None
    if archive is None or not archive.is_file():
        pytest.skip("FLUID_DATA_DIR names no folder with mnist.npz: no accuracy of noise")
    with np.load(archive, allow_pickle=False) as arrays:
        return [int(label) for label in arrays["y_test"][:count]]
