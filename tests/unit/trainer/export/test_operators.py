import numpy as np
import pytest

from fluid.bundle import Bundle
from fluid.interpreter import InterpreterPackage
from tests.unit.trainer.models import backbones
from trainer.data import Dataset
from trainer.errors import ExportError
from trainer.export import convert
from trainer.export.operators import Operator, oldest_runtime, operators
from trainer.models import BlockTower


def _convert(function: str, digits: Dataset) -> bytes:
    tower = BlockTower([2], 10, backbone=f"{backbones.NAME}:{function}")
    tower.build((None, 8, 8, 1))
    return convert(tower.sub_model("lower50", 0, macs=0), [digits.train.images[:20]])


def test_a_files_operators_are_listed_in_order(bundle: Bundle) -> None:
    names = ["QUANTIZE", "CONV_2D", "MAX_POOL_2D", "CONV_2D", "CONV_2D"]
    assert operators(bundle.models["lower50"]) == tuple(
        Operator(name, is_integer=True) for name in [*names, "RESHAPE", "FULLY_CONNECTED"]
    )


def test_the_interpreter_sees_the_same(bundle: Bundle, package: InterpreterPackage) -> None:
    for model in bundle.models.values():
        interpreter = package.interpreter_class(model_content=model, num_threads=1)
        kinds = {np.dtype(tensor["dtype"]) for tensor in interpreter.get_tensor_details()}
        assert (np.dtype(np.float32) not in kinds) == all(
            each.is_integer for each in operators(model)
        )


def test_a_file_knows_the_oldest_interpreter_that_runs_it(bundle: Bundle) -> None:
    assert all(oldest_runtime(model) <= (2, 14) for model in bundle.models.values())


@pytest.mark.parametrize(
    ("function", "complaint"),
    [
        ("normalizes_layers", "is not int8 throughout: .*NEG.* would run in float"),
        ("uses_what_tflite_lacks", "cannot be converted: TensorFlow Lite has no Erfinv"),
        (
            "uses_what_is_new_in_tflite",
            r"needs TensorFlow Lite 2\.15\.0, devices have 2\.14: .* EXP, .* LOG",
        ),
    ],
)
def test_layers_that_devices_cannot_run_in_int8_are_refused(
    digits: Dataset, function: str, complaint: str
) -> None:
    with pytest.raises(ExportError, match=f"stage lower50 {complaint}") as caught:
        _convert(function, digits)
    assert "\n" not in str(caught.value)


def test_a_layer_of_the_users_own_is_exported(digits: Dataset) -> None:
    names = [each.name for each in operators(_convert("uses_its_own_layer", digits))]
    assert names[-2:] == ["RESHAPE", "FULLY_CONNECTED"]
