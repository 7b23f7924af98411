import numpy as np
import pytest

from fluid.bundle import Bundle
from fluid.interpreter import InterpreterPackage
from fluid.submodel import SubModel, combine
from tests.trained import TrainedFamily
from trainer.data import Dataset
from trainer.evaluation import evaluate_bundle, load_stages
from trainer.topology import Family, Topology


def test_it_measures_what_the_manifest_says(bundle: Bundle, digits: Dataset) -> None:
    measured = evaluate_bundle(bundle, digits.test.images, digits.test.labels)
    assert measured == {spec.name: spec.int8_accuracy for spec in bundle.manifest.subnetworks}


def test_it_measures_networks_that_are_cut_between_devices(
    trained_family: TrainedFamily, digits: Dataset
) -> None:
    bundle = trained_family(Topology.of(2, family=Family.STATIC)).bundle
    measured = evaluate_bundle(bundle, digits.test.images, digits.test.labels)
    assert measured == {"100": bundle.manifest.subnetworks[0].int8_accuracy}


def test_what_is_measured_is_what_two_devices_answer_bit_for_bit(
    bundle: Bundle, digits: Dataset, package: InterpreterPackage
) -> None:
    images = digits.test.images[:100]
    on_one_device = load_stages(bundle, package=package).logits(images)
    on_its_own = {
        stage.name: SubModel(bundle, stage.name, package=package).run(images)
        for stage in bundle.manifest.stages
    }
    for spec in bundle.manifest.subnetworks:
        summed = combine([on_its_own[stage] for stage in spec.stages])
        assert on_one_device[spec.name].tobytes() == summed.tobytes()


def test_wrong_labels_are_counted_as_wrong(
    bundle: Bundle, digits: Dataset, package: InterpreterPackage
) -> None:
    images, labels = digits.test.images[:50], digits.test.labels[:50]
    right = evaluate_bundle(bundle, images, labels, package=package)["100"]
    nowhere = evaluate_bundle(bundle, images, np.full(50, -1), package=package)["100"]
    assert (right > 0.5, nowhere) == (True, 0.0)


def test_images_of_another_shape_are_refused(bundle: Bundle) -> None:
    with pytest.raises(ValueError, match="takes images"):
        evaluate_bundle(bundle, np.zeros((1, 28, 28, 1), dtype=np.uint8), np.zeros(1, dtype=int))
