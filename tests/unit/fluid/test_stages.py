import numpy as np
import pytest

from fluid.bundle import Bundle
from fluid.errors import BundleError
from fluid.interpreter import InterpreterPackage
from fluid.stages import LoadedStage, Quantization, StageRunner, input_name
from tests.unit.fluid.stage_files import (
    IMAGE_END,
    IMAGE_SHAPE,
    LOGITS_END,
    MAP_END,
    MAP_SHAPE,
    PACKAGE,
    cut_bundle,
    entry,
    model,
)


def _images(*totals: int) -> np.ndarray:
    """Images whose pixels add up to these."""
    images = np.zeros((len(totals), *IMAGE_SHAPE), dtype=np.uint8)
    images[:, 0, 0, 0] = totals
    return images


def test_feature_maps_go_from_stage_to_stage_as_the_integers_that_they_are() -> None:
    # An image of 1: each map is [1, 1], its sum 2; the second input counts twice: 2 + 2 * 2 = 6.
    # As logits, 0.25 * (6 - 2) = 1, from each of two slots.
    logits = StageRunner(cut_bundle(), package=PACKAGE).logits(_images(1))
    np.testing.assert_array_equal(logits["100"], np.full((1, 3), 2.0, dtype=np.float32))


def test_each_image_of_a_batch_is_answered_by_itself() -> None:
    runner = StageRunner(cut_bundle(), package=PACKAGE)
    together = runner.logits(_images(0, 1, 2))
    for index in range(3):
        alone = runner.logits(_images(index))
        for name, logits in alone.items():
            assert logits.dtype == np.float32
            np.testing.assert_array_equal(together[name][index : index + 1], logits)


def test_only_the_stages_of_the_wanted_sub_networks_are_loaded() -> None:
    bundle = cut_bundle()
    only_alone = Bundle(bundle.manifest, {"alone": bundle.models["alone"]})
    logits = StageRunner(only_alone, ["upper50"], package=PACKAGE).logits(_images(3))
    assert set(logits) == {"upper50"}
    assert logits["upper50"][0, 0] == 0.25 * (3 - 2)


def test_an_unknown_sub_network_is_refused() -> None:
    with pytest.raises(KeyError, match="75"):
        StageRunner(cut_bundle(), ["75"], package=PACKAGE)


@pytest.mark.parametrize(
    "other", [entry(MAP_SHAPE, (0.5, -7)), entry(MAP_SHAPE, (0.4999, -8))], ids=["zero", "scale"]
)
def test_a_stage_that_reads_a_map_on_another_scale_is_refused(other: dict[str, object]) -> None:
    bundle = cut_bundle(logits_upper=model([MAP_END, other], LOGITS_END))
    with pytest.raises(
        BundleError, match=r"logits_upper\.tflite: takes map_upper on another scale"
    ):
        StageRunner(bundle, package=PACKAGE)


def test_images_of_another_shape_than_the_manifests_are_refused() -> None:
    wrong = entry((3, 3, 1), (1.0, 0), "uint8")
    with pytest.raises(BundleError, match=r"alone\.tflite: must take image of shape \(2, 2, 1\)"):
        StageRunner(cut_bundle(alone=model([wrong], LOGITS_END)), package=PACKAGE)


def test_feature_maps_of_another_shape_than_their_reader_takes_are_refused() -> None:
    bundle = cut_bundle(map_upper=model([IMAGE_END], entry((1, 1, 3), (0.5, -8))))
    with pytest.raises(
        BundleError, match=r"upper\.tflite: must take map_upper of shape \(1, 1, 3\)"
    ):
        StageRunner(bundle, package=PACKAGE)


def test_logits_of_another_number_of_classes_are_refused() -> None:
    bundle = cut_bundle(alone=model([IMAGE_END], entry((4,), (0.25, 2))))
    with pytest.raises(BundleError, match=r"alone\.tflite: must yield a logit for each of the 3"):
        StageRunner(bundle, package=PACKAGE)


@pytest.mark.parametrize("content", [b"", b"junk", b"\x1c\x00\x00\x00TFL3" + b"\xff" * 40])
def test_a_file_that_is_no_model_is_named(content: bytes, package: InterpreterPackage) -> None:
    bundle = cut_bundle(alone=content)
    with pytest.raises(BundleError, match=r"^alone\.tflite: cannot be loaded \(.*\)$"):
        StageRunner(bundle, ["upper50"], package=package)


@pytest.mark.parametrize(
    ("file", "fault"),
    [
        (model([entry(IMAGE_SHAPE, (1.0, 0), "int8")], LOGITS_END), "must take uint8"),
        (model([IMAGE_END], entry((3,), (0.25, 0), "float32")), "must take uint8"),
        (model([IMAGE_END], entry((3,), (0.0, 0))), "must yield quantized values"),
        (model([IMAGE_END, MAP_END], LOGITS_END), "must have inputs named input_0"),
    ],
)
def test_a_file_that_is_not_what_its_manifest_entry_says_is_refused(
    file: bytes, fault: str
) -> None:
    bundle = cut_bundle(alone=file)
    with pytest.raises(BundleError, match=rf"^alone\.tflite: {fault}"):
        LoadedStage(bundle, bundle.manifest.stage("alone"), package=PACKAGE)


def test_dequantized_values_are_float32() -> None:
    values = Quantization(np.float32(0.1), -3).dequantize(np.array([-128, 127], dtype=np.int8))
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, np.array([-125, 130], dtype=np.float32) * np.float32(0.1))


def test_inputs_are_numbered_from_0() -> None:
    assert [input_name(number) for number in range(2)] == ["input_0", "input_1"]
