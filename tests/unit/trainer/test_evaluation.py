import numpy as np
import pytest

from fluid.bundle import Bundle
from fluid.interpreter import InterpreterPackage
from trainer.data import Dataset
from trainer.evaluation import evaluate_bundle


def test_it_measures_what_the_manifest_says(bundle: Bundle, digits: Dataset) -> None:
    measured = evaluate_bundle(bundle, digits.test.images, digits.test.labels)
    assert measured == {spec.name: spec.int8_accuracy for spec in bundle.manifest.subnetworks}


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
