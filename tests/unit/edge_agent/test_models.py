from dataclasses import replace

import numpy as np
import pytest

from edge_agent.models import Models
from fluid.bundle import Bundle
from fluid.errors import BundleError
from fluid.interpreter import InterpreterPackage
from fluid.stages import StageRunner
from tests.unit.fluid.stage_files import (
    IMAGE_SHAPE,
    LOGITS_END,
    MAP_END,
    MAP_SHAPE,
    PACKAGE,
    cut_bundle,
    entry,
    model,
    unrunnable_bundle,
)

IMAGES = np.array([[0, 0, 0, 1], [0, 1, 1, 1]], np.uint8).reshape(2, *IMAGE_SHAPE)


def test_a_bundle_whose_models_are_not_as_promised_is_refused_at_once(
    bundle: Bundle, package: InterpreterPackage
) -> None:
    manifest = bundle.manifest
    wider = replace(manifest, input=replace(manifest.input, shape=(16, 16, 1)))
    with pytest.raises(BundleError, match="must take uint8 of shape"):
        Models(Bundle(wider, bundle.models), package)


def test_a_bundle_that_nobody_could_run_is_refused_at_once() -> None:
    with pytest.raises(BundleError, match="sub-network 100 cannot be run"):
        Models(unrunnable_bundle(), PACKAGE)


def test_a_bundle_whose_stages_do_not_fit_each_other_is_refused_at_once() -> None:
    other_scale = entry(MAP_SHAPE, (0.5, -7))
    bundle = cut_bundle(logits_upper=model([MAP_END, other_scale], LOGITS_END))
    with pytest.raises(BundleError, match="takes map_upper on another scale"):
        Models(bundle, PACKAGE)


def test_stages_on_two_devices_give_the_bits_of_one_that_runs_them_all() -> None:
    bundle = cut_bundle()
    lower, upper = Models(bundle, PACKAGE), Models(bundle, PACKAGE)
    ours = lower.run(("map_lower",), IMAGES, {})
    theirs = upper.run(("map_upper",), IMAGES, {})
    assert (ours.logits, list(ours.maps)) == ({}, ["map_lower"])
    assert ours.maps["map_lower"].dtype == np.int8
    assert ours.maps["map_lower"].shape == (2, 2)
    maps = {**ours.maps, **theirs.maps}
    assert not lower.needs_image(("logits_lower",))
    total = lower.run(("logits_lower",), None, maps).logits["logits_lower"]
    total = total + upper.run(("logits_upper",), None, maps).logits["logits_upper"]
    expected = StageRunner(bundle, ["100"], package=PACKAGE).logits(IMAGES)["100"]
    assert total.tobytes() == expected.tobytes()


def test_what_one_stage_yields_the_next_may_read() -> None:
    models = Models(cut_bundle(), PACKAGE)
    stages = ("map_lower", "map_upper", "logits_lower", "alone")
    assert models.needs_image(stages)
    outputs = models.run(stages, IMAGES, {})
    assert list(outputs.logits) == ["logits_lower", "alone"]
    assert list(outputs.maps) == ["map_lower", "map_upper"]


def test_a_map_of_another_size_is_refused() -> None:
    models = Models(cut_bundle(), PACKAGE)
    maps = {"map_lower": np.zeros((2, 3), np.int8), "map_upper": np.zeros((2, 2), np.int8)}
    with pytest.raises(ValueError, match="reshape"):
        models.run(("logits_lower",), None, maps)


def test_without_a_stage_the_payload_is_to_be_looked_at() -> None:
    assert Models(cut_bundle(), PACKAGE).needs_image(())
