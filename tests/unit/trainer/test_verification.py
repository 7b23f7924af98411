"""The processes themselves are started by the tests of the command."""

from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fluid.bundle import Bundle, SubNetwork, write_bundle
from fluid.errors import BundleError
from fluid.interpreter import InterpreterPackage
from fluid.submodel import Logits
from tests.trained import TrainedFamily
from tests.unit.fluid.stage_files import cut_bundle
from trainer.data import Dataset
from trainer.evaluation import load_stages
from trainer.topology import Family, Topology
from trainer.verification import (
    Comparison,
    Partials,
    Verification,
    VerificationError,
    answer_of,
    compare_answers,
    compare_bits,
    distributed_sub_networks,
    slot_partials,
    verify_bundle,
)


def _logits(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, dtype=np.float32)


@pytest.fixture
def answers(
    bundle: Bundle, bundle_folder: Path, digits: Dataset, package: InterpreterPackage
) -> tuple[Partials, dict[str, Logits]]:
    """Of eight images: what the devices of both slots compute, and what one device answers."""
    images = digits.test.images[:8]
    lower = slot_partials(bundle_folder, ("lower50",), images)
    upper = slot_partials(bundle_folder, ("upper25", "upper50"), images)
    return lower | upper, load_stages(bundle, package=package).logits(images)


def test_shares_add_up_to_what_one_device_answers(
    bundle: Bundle, answers: tuple[Partials, dict[str, Logits]]
) -> None:
    compared = compare_answers(distributed_sub_networks(bundle.manifest), *answers)
    assert compared == dict.fromkeys(("75", "100"), Comparison(8, 0, None))
    assert Verification(2, "any", compared).equal


def test_a_share_that_was_tampered_with_is_found_and_named(
    bundle: Bundle, answers: tuple[Partials, dict[str, Logits]]
) -> None:
    partials, one_device = answers
    partials["upper25"][5:, 0] += 1
    compared = compare_answers(distributed_sub_networks(bundle.manifest), partials, one_device)
    assert compared == {"75": Comparison(8, 3, 5), "100": Comparison(8, 0, None)}
    assert not Verification(2, "any", compared).equal


def test_the_smallest_change_of_one_logit_is_found() -> None:
    one = _logits((1.0, 2.0), (3.0, 4.0), (5.0, 6.0))
    other = one.copy()
    other[1, 1] = np.nextafter(other[1, 1], np.float32(9))
    assert compare_bits(one, other) == Comparison(images=3, different=1, first=1)
    assert compare_bits(one, one.copy()).equal


def test_bits_are_compared_and_not_numbers() -> None:
    assert not compare_bits(_logits((0.0,)), _logits((-0.0,))).equal
    assert compare_bits(_logits((np.nan,)), _logits((np.nan,))).equal


def test_arrays_in_another_memory_order_are_compared_all_the_same() -> None:
    one = _logits((1.0, 2.0), (3.0, 4.0))
    assert compare_bits(np.asfortranarray(one), one).equal


@pytest.mark.parametrize(
    "other", [np.zeros((2, 3), dtype=np.float32), np.zeros((2, 2), dtype=np.float64)]
)
def test_what_cannot_be_equal_bit_for_bit_is_not_compared(other: np.ndarray) -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        compare_bits(np.zeros((2, 2), dtype=np.float32), other)


def test_shares_are_added_in_the_order_of_the_slots(bundle: Bundle) -> None:
    reversed_stages = tuple(
        replace(each, stages=each.stages[::-1]) for each in bundle.manifest.subnetworks
    )
    manifest = replace(bundle.manifest, subnetworks=reversed_stages)
    assert distributed_sub_networks(manifest) == (
        SubNetwork("75", ("lower50", "upper25")),
        SubNetwork("100", ("lower50", "upper50")),
    )


def test_what_is_cut_between_devices_is_left_out() -> None:
    manifest = cut_bundle().manifest
    assert distributed_sub_networks(manifest) == ()


def test_a_bundle_without_anything_to_compare_is_named(
    trained_family: TrainedFamily, digits: Dataset, tmp_path: Path
) -> None:
    write_bundle(tmp_path, trained_family(Topology.of(2, family=Family.STATIC)).bundle)
    with pytest.raises(VerificationError, match=r"nothing to verify: .* of family static"):
        verify_bundle(tmp_path, digits.test.images[:1])


def test_a_device_knows_only_the_folder_its_stages_and_images(
    bundle_folder: Path, digits: Dataset
) -> None:
    partials = slot_partials(bundle_folder, ("upper25", "upper50"), digits.test.images[:3])
    assert list(partials) == ["upper25", "upper50"]
    for logits in partials.values():
        assert logits.shape == (3, 10)
        assert logits.dtype == np.float32


def test_a_folder_without_a_bundle_is_named(tmp_path: Path, digits: Dataset) -> None:
    with pytest.raises(BundleError, match=r"bundle\.json: no such file"):
        verify_bundle(tmp_path, digits.test.images[:1])


def test_a_process_that_ends_too_early_is_named_by_its_slot() -> None:
    future: Future[Partials] = Future()
    future.set_exception(BrokenProcessPool())
    with pytest.raises(VerificationError, match="the process of slot upper ended"):
        answer_of("upper", future)
