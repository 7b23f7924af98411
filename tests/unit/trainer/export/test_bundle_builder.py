from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fluid.bundle import Bundle, load_bundle
from fluid.interpreter import InterpreterPackage
from tests.trained import Trained
from trainer.data import Dataset, Split
from trainer.errors import QuantizationLoss
from trainer.export import build_bundle
from trainer.export.bundle_builder import calibration_images
from trainer.training.measure import FloatEvaluator


def test_the_written_bundle_loads_and_is_the_same(bundle: Bundle, bundle_folder: Path) -> None:
    loaded = load_bundle(bundle_folder)
    assert loaded.digest == bundle.digest
    assert loaded.models == bundle.models


def test_the_manifest_describes_the_network(bundle: Bundle) -> None:
    manifest = bundle.manifest
    assert (manifest.family, manifest.algorithm) == ("fluid", "nested-incremental")
    assert manifest.slots == ("lower", "upper")
    assert [(stage.name, stage.slot, stage.width) for stage in manifest.stages] == [
        ("lower25", "lower", 0.5),
        ("lower50", "lower", 1.0),
        ("upper25", "upper", 0.5),
        ("upper50", "upper", 1.0),
    ]
    assert manifest.stage("lower50").macs == 155_584


def test_the_float_accuracies_are_those_of_keras(
    trained: Trained, bundle: Bundle, digits: Dataset
) -> None:
    evaluator = FloatEvaluator(trained.network, trained.network.topology.sub_networks())
    assert {
        spec.name: spec.float_accuracy for spec in bundle.manifest.subnetworks
    } == evaluator.accuracies(digits.test)


def test_quantisation_costs_little(bundle: Bundle) -> None:
    for spec in bundle.manifest.subnetworks:
        assert spec.float_accuracy is not None
        assert spec.int8_accuracy == pytest.approx(spec.float_accuracy, abs=0.02)


def test_equal_weights_give_an_equal_digest(
    trained: Trained, bundle: Bundle, digits: Dataset, package: InterpreterPackage
) -> None:
    again = build_bundle(
        trained.network,
        digits,
        algorithm=bundle.manifest.algorithm,
        package=package,
        training=bundle.manifest.training,
        max_int8_drop=0.02,
    )
    assert again.digest == bundle.digest


def test_a_network_that_loses_too_much_in_int8_is_refused(
    trained: Trained, digits: Dataset, package: InterpreterPackage
) -> None:
    evaluator = FloatEvaluator(trained.network, trained.network.topology.sub_networks())
    noise = np.random.default_rng(0).integers(0, 256, (1_000, 8, 8, 1), dtype=np.uint8)
    # Right is what float says, of images that show nothing: whatever int8 says otherwise is lost.
    labels = evaluator.logits(noise)["lower25"].argmax(axis=1)
    undecided = replace(digits, test=Split(noise, labels))
    with pytest.raises(QuantizationLoss, match=r"lower25 loses .* in int8, more than 0\.00%"):
        build_bundle(
            trained.network,
            undecided,
            algorithm="nested-incremental",
            package=package,
            training={},
            max_int8_drop=0.0,
        )


def test_calibration_images_are_spread_over_the_split_and_hold_both_extremes() -> None:
    images = np.full((2_000, 2, 2, 1), 7, dtype=np.uint8)
    images[1] = 255
    images[3] = 0
    chosen = calibration_images(images)
    assert (chosen.min(), chosen.max()) == (0, 255)
    assert len(chosen) <= 502


def test_images_without_the_extremes_get_a_corner_that_has_them() -> None:
    images = np.full((5, 4, 4, 3), 7, dtype=np.uint8)
    chosen = calibration_images(images)
    assert (chosen.min(), chosen.max()) == (0, 255)
    assert np.count_nonzero(chosen != 7) == 2 * 3
    assert np.all(images == 7)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 3), (8, 1, 1)])
@pytest.mark.parametrize("value", [0, 7, 255])
def test_images_of_one_pixel_hold_both_extremes_as_well(
    shape: tuple[int, int, int], value: int
) -> None:
    chosen = calibration_images(np.full((5, *shape), value, dtype=np.uint8))
    assert (chosen.min(), chosen.max()) == (0, 255)
