from dataclasses import replace

import pytest

from fluid.bundle import Bundle
from fluid.errors import BundleError
from fluid.servable import cut_slots, expect_independent, expect_servable
from tests.unit.fluid.stage_files import cut_bundle, stage, unrunnable_bundle


def test_a_bundle_of_whole_stages_is_servable_and_independent(bundle: Bundle) -> None:
    expect_servable(bundle.manifest)
    expect_independent(bundle.manifest)
    assert cut_slots(bundle.manifest) == ()


def test_a_bundle_that_is_cut_between_its_slots_is_servable_but_not_independent() -> None:
    manifest = cut_bundle().manifest
    expect_servable(manifest)
    assert cut_slots(manifest) == ("lower", "upper")
    with pytest.raises(BundleError) as refusal:
        expect_independent(manifest)
    assert str(refusal.value) == (
        "example is of family static, whose slots lower, upper are cut at every layer, so no "
        "device goes on alone; train one whose slots each go from the image to logits with "
        "'fluid train --family fluid' [unservable_bundle]"
    )


def test_a_single_cut_slot_is_enough_to_need_others() -> None:
    manifest = cut_bundle().manifest
    lower = stage("lower50", "lower")
    upper = tuple(each for each in manifest.stages if each.slot == "upper")
    mixed = replace(manifest, family="dynamic", stages=(lower, *upper))
    with pytest.raises(BundleError, match="of family dynamic, whose slot upper is cut"):
        expect_independent(mixed)


def test_a_sub_network_that_lacks_a_feature_map_is_named() -> None:
    with pytest.raises(BundleError) as refusal:
        expect_servable(unrunnable_bundle().manifest)
    assert str(refusal.value) == (
        "example: sub-network 100 cannot be run, stages logits_lower read feature maps that none "
        "of them can yield; train the bundle anew with 'fluid train' [unservable_bundle]"
    )
