from dataclasses import replace

import pytest

from fluid.bundle import dependency_order, is_whole
from fluid.errors import BundleError
from tests.unit.fluid.stage_files import cut_bundle, stage


def test_a_stage_is_whole_that_goes_from_the_image_to_logits() -> None:
    assert is_whole(stage("lower50", "lower"))
    assert not is_whole(stage("conv1", "lower", output="map"))
    assert not is_whole(stage("logits", "lower", ("map",)))
    assert not is_whole(stage("both", "lower", ("image", "map")))


def test_stages_are_run_after_those_that_they_read() -> None:
    manifest = cut_bundle().manifest
    ordered = [
        each.name for each in dependency_order(manifest, ["logits_lower", "map_lower", "map_upper"])
    ]
    assert ordered[-1] == "logits_lower"
    assert set(ordered) == {"map_lower", "map_upper", "logits_lower"}


def test_a_feature_map_that_no_stage_yields_is_refused() -> None:
    with pytest.raises(BundleError, match="stages logits_lower read feature maps that none"):
        dependency_order(cut_bundle().manifest, ["logits_lower", "map_lower"])


def test_stages_that_read_each_other_in_a_circle_are_refused() -> None:
    manifest = replace(
        cut_bundle().manifest,
        stages=(stage("a", "lower", ("b",), "a"), stage("b", "lower", ("a",), "b")),
    )
    with pytest.raises(BundleError, match="stages a, b read"):
        dependency_order(manifest, ["a", "b"])
