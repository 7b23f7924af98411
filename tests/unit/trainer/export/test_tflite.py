import numpy as np
import pytest

from fluid.bundle import IMAGE, LOGITS, Bundle
from fluid.interpreter import InterpreterPackage
from fluid.stages import LoadedStage, Quantization
from tests.trained import Trained, TrainedFamily
from trainer.data import Dataset
from trainer.export import convert
from trainer.models.cut_stage import FEATURE_MAXIMUM
from trainer.topology import Family, Topology


@pytest.fixture(params=[Family.FLUID, Family.DYNAMIC, Family.STATIC])
def any_bundle(
    request: pytest.FixtureRequest, bundle: Bundle, trained_family: TrainedFamily
) -> Bundle:
    if request.param is Family.FLUID:
        return bundle
    return trained_family(Topology.of(2, family=request.param)).bundle


def test_every_tensor_of_an_exported_file_is_integer(
    any_bundle: Bundle, package: InterpreterPackage
) -> None:
    for model in any_bundle.models.values():
        interpreter = package.interpreter_class(model_content=model, num_threads=1)
        kinds = {np.dtype(tensor["dtype"]) for tensor in interpreter.get_tensor_details()}
        assert kinds <= {np.dtype(kind) for kind in (np.int8, np.int32, np.uint8)}


def test_pixels_go_in_as_they_are_and_feature_maps_on_one_scale(
    any_bundle: Bundle, package: InterpreterPackage
) -> None:
    for stage in any_bundle.manifest.stages:
        loaded = LoadedStage(any_bundle, stage, package=package)
        ends = [
            *zip(stage.inputs, loaded.input_quantization, strict=True),
            (stage.output, loaded.output_quantization),
        ]
        for name, quantization in ends:
            if name == IMAGE:
                assert quantization == Quantization(np.float32(1), 0)
            elif name != LOGITS:
                # The same bits in every file, so an int8 feature map is passed on as it is.
                assert quantization == Quantization(np.float32(FEATURE_MAXIMUM / 255), -128)


def test_joining_feature_maps_copies_them(
    trained_family: TrainedFamily, package: InterpreterPackage
) -> None:
    """Maps on different scales would be converted once more, which costs time and accuracy."""
    bundle = trained_family(Topology.of(2, family=Family.STATIC)).bundle
    stage = bundle.manifest.stage("conv2.upper50")
    interpreter = package.interpreter_class(model_content=bundle.models[stage.name])
    scales = {
        detail["quantization"]
        for detail in interpreter.get_tensor_details()
        if detail["dtype"] is np.int8 and tuple(detail["shape"][:3]) == (1, 4, 4)
    }
    assert len(scales) == 1


def test_the_converter_keeps_quiet(
    trained: Trained, digits: Dataset, capfd: pytest.CaptureFixture[str]
) -> None:
    sub_model = trained.network.sub_model(trained.network.topology.sub_model(0, 0))
    capfd.readouterr()
    convert(sub_model, [digits.train.images[:50]])
    assert capfd.readouterr() == ("", "")


def test_calibration_without_both_extremes_is_refused(trained: Trained, digits: Dataset) -> None:
    sub_model = trained.network.sub_model(trained.network.topology.sub_model(0, 0))
    with pytest.raises(ValueError, match="both the values 0 and 255"):
        convert(sub_model, [digits.train.images[:50] // 2])
