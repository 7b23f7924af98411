import numpy as np
import pytest

from fluid.bundle import Bundle
from fluid.interpreter import InterpreterPackage
from tests.trained import Trained
from trainer.data import Dataset
from trainer.export import convert


def test_every_tensor_of_an_exported_file_is_integer(
    bundle: Bundle, package: InterpreterPackage
) -> None:
    for model in bundle.models.values():
        interpreter = package.interpreter_class(model_content=model, num_threads=1)
        kinds = {np.dtype(tensor["dtype"]) for tensor in interpreter.get_tensor_details()}
        assert kinds <= {np.dtype(kind) for kind in (np.int8, np.int32, np.uint8)}


def test_pixels_go_in_as_they_are(bundle: Bundle, package: InterpreterPackage) -> None:
    for model in bundle.models.values():
        interpreter = package.interpreter_class(model_content=model, num_threads=1)
        (entry,) = interpreter.get_input_details()
        assert tuple(entry["shape"]) == (1, 8, 8, 1)
        assert (entry["dtype"], entry["quantization"]) == (np.uint8, (1.0, 0))


def test_the_converter_keeps_quiet(
    trained: Trained, digits: Dataset, capfd: pytest.CaptureFixture[str]
) -> None:
    sub_model = trained.network.sub_model(trained.network.topology.sub_model(0, 0))
    capfd.readouterr()
    convert(sub_model, digits.train.images[:50])
    assert capfd.readouterr() == ("", "")


def test_calibration_without_both_extremes_is_refused(trained: Trained, digits: Dataset) -> None:
    sub_model = trained.network.sub_model(trained.network.topology.sub_model(0, 0))
    with pytest.raises(ValueError, match="both the values 0 and 255"):
        convert(sub_model, digits.train.images[:50] // 2)
