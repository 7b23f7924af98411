"""The MNIST bundle that comes with the project keeps what it promises."""

import os
from pathlib import Path

import pytest

from fluid.bundle import Bundle, load_bundle
from fluid.interpreter import InterpreterPackage
from fluid.submodel import SubModel
from trainer.data import Dataset, load_dataset
from trainer.evaluation import evaluate_bundle, load_stages
from trainer.verification import compare_answers, distributed_sub_networks

FOLDER = Path(__file__).parents[2] / "models" / "mnist"
LEAST = {
    "100": 0.993,
    "lower50": 0.990,
    "upper50": 0.990,
    "lower25": 0.987,
    "upper25": 0.987,
}
MOST_LOST_IN_INT8 = 0.001
SAMPLE = 500


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(FOLDER)


@pytest.fixture(scope="module")
def mnist() -> Dataset:
    if not os.environ.get("FLUID_DATA_DIR"):
        pytest.skip("FLUID_DATA_DIR names no folder with mnist.npz")
    return load_dataset("mnist")


def test_it_was_made_by_the_default_training(bundle: Bundle) -> None:
    manifest = bundle.manifest
    assert (manifest.family, manifest.algorithm) == ("fluid", "nested-incremental")
    assert (manifest.training["dataset"], manifest.training["seed"]) == ("mnist", 0)


def test_int8_costs_next_to_nothing(bundle: Bundle) -> None:
    for each in bundle.manifest.subnetworks:
        assert each.float_accuracy is not None
        assert each.int8_accuracy is not None
        assert each.float_accuracy - each.int8_accuracy <= MOST_LOST_IN_INT8, each.name


def test_every_sub_network_is_as_good_as_promised_on_all_test_images(
    bundle: Bundle, mnist: Dataset, package: InterpreterPackage
) -> None:
    measured = evaluate_bundle(bundle, mnist.test.images, mnist.test.labels, package=package)
    assert {
        name: accuracy for name, accuracy in measured.items() if accuracy < LEAST.get(name, 0)
    } == {}
    recorded = {each.name: each.int8_accuracy for each in bundle.manifest.subnetworks}
    # Another interpreter's version may round a logit otherwise; that is no more than an image.
    assert measured == pytest.approx(recorded, abs=3 / len(mnist.test))


def test_halves_on_two_interpreters_answer_as_one_device_to_the_bit(
    bundle: Bundle, mnist: Dataset, package: InterpreterPackage
) -> None:
    images = mnist.test.images[:SAMPLE]
    sub_networks = distributed_sub_networks(bundle.manifest)
    assert [each.name for each in sub_networks] == ["75", "100"]
    stages = {name for each in sub_networks for name in each.stages}
    partials = {name: SubModel(bundle, name, package=package).run(images) for name in stages}
    one_device = load_stages(bundle, package=package).logits(images)
    compared = compare_answers(sub_networks, partials, one_device)
    assert {name: each.different for name, each in compared.items()} == {"75": 0, "100": 0}
