from pathlib import Path

import numpy as np
import pytest

from fluid.bundle import Bundle, load_bundle
from fluid.interpreter import InterpreterPackage
from tests.trained import Trained
from trainer.data import Dataset
from trainer.errors import ExportError
from trainer.export import build_bundle
from trainer.export.bundle_builder import calibration_images
from trainer.training.measure import FloatEvaluator


def test_the_written_bundle_loads_and_is_the_same(bundle: Bundle, bundle_folder: Path) -> None:
    loaded = load_bundle(bundle_folder)
    assert loaded.digest == bundle.digest
    assert loaded.models == bundle.models


def test_the_manifest_describes_the_network(bundle: Bundle) -> None:
    manifest = bundle.manifest
    assert (manifest.family, manifest.algorithm) == ("fluid", "nested")
    assert manifest.slots == ("lower", "upper")
    assert [(stage.name, stage.slot, stage.width) for stage in manifest.stages] == [
        ("lower25", "lower", 0.5),
        ("lower50", "lower", 1.0),
        ("upper25", "upper", 0.5),
        ("upper50", "upper", 1.0),
    ]
    assert [spec.name for spec in manifest.runnable(["upper"])] == ["upper25", "upper50"]
    assert manifest.stage("lower50").macs == 85_504


def test_the_float_accuracies_are_those_of_keras(
    trained: Trained, bundle: Bundle, digits: Dataset
) -> None:
    evaluator = FloatEvaluator(trained.network, digits.test)
    assert {
        spec.name: spec.float_accuracy for spec in bundle.manifest.subnetworks
    } == evaluator.accuracies(trained.network.topology.sub_networks())


def test_quantisation_costs_little(bundle: Bundle) -> None:
    for spec in bundle.manifest.subnetworks:
        assert spec.float_accuracy is not None
        assert spec.int8_accuracy == pytest.approx(spec.float_accuracy, abs=0.02)


def test_equal_weights_give_an_equal_digest(
    trained: Trained, bundle: Bundle, digits: Dataset, package: InterpreterPackage
) -> None:
    training = {"dataset": "digits"}
    again = build_bundle(trained.network, digits, package=package, training=training)
    assert again.digest == bundle.digest


def test_calibration_images_always_hold_both_extremes() -> None:
    images = np.full((2_000, 2, 2, 1), 7, dtype=np.uint8)
    images[1] = 255
    images[3] = 0
    chosen = calibration_images(images)
    assert (chosen.min(), chosen.max()) == (0, 255)
    assert len(chosen) <= 502


def test_images_that_leave_out_part_of_the_range_cannot_be_exported() -> None:
    with pytest.raises(ExportError, match="whole range of pixel values"):
        calibration_images(np.full((5, 2, 2, 1), 7, dtype=np.uint8))
