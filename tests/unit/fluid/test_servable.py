from dataclasses import replace

import pytest

from fluid.bundle import Bundle
from fluid.errors import BundleError
from fluid.servable import cut_slots, expect_servable, is_whole
from tests.unit.fluid.stage_files import cut_bundle, stage


def test_a_stage_is_whole_that_goes_from_the_image_to_logits() -> None:
    assert is_whole(stage("lower50", "lower"))
    assert not is_whole(stage("conv1", "lower", output="map"))
    assert not is_whole(stage("logits", "lower", ("map",)))
    assert not is_whole(stage("both", "lower", ("image", "map")))


def test_a_bundle_of_whole_stages_is_servable(bundle: Bundle) -> None:
    expect_servable(bundle.manifest)
    assert cut_slots(bundle.manifest) == ()


def test_the_family_and_the_cut_slots_are_named() -> None:
    manifest = cut_bundle().manifest
    assert cut_slots(manifest) == ("lower", "upper")
    with pytest.raises(BundleError) as refusal:
        expect_servable(manifest)
    assert str(refusal.value) == (
        "example is of family static, whose slots lower, upper are cut at every layer; agents "
        "serve bundles whose slots each go from the image to logits: train one with "
        "'fluid train --family fluid' [unservable_bundle]"
    )


def test_a_single_cut_slot_is_enough() -> None:
    manifest = cut_bundle().manifest
    lower = stage("lower50", "lower")
    upper = tuple(each for each in manifest.stages if each.slot == "upper")
    mixed = replace(manifest, family="dynamic", stages=(lower, *upper))
    with pytest.raises(BundleError, match="of family dynamic, whose slot upper is cut"):
        expect_servable(mixed)
