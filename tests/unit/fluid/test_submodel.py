from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fluid.errors import BundleError
from fluid.interpreter import InterpreterPackage
from fluid.submodel import Logits, SubModel, combine
from tests.unit.fluid.bundle.example import example_bundle

LOGITS = hnp.arrays(
    np.float32, (2, 3), elements=st.floats(-1e6, 1e6, width=32, allow_subnormal=False)
)


@given(LOGITS)
def test_one_partial_is_its_own_sum(partial: Logits) -> None:
    assert combine([partial]).tobytes() == partial.tobytes()


@given(st.lists(LOGITS, min_size=1, max_size=4))
def test_sums_are_float32_and_add_up_in_the_order_given(partials: list[Logits]) -> None:
    total = combine(partials)
    assert total.dtype == np.float32
    for index in np.ndindex(2, 3):
        expected = np.float32(partials[0][index])
        for partial in partials[1:]:
            expected = np.float32(expected + partial[index])
        assert total[index] == expected


def test_the_order_matters_which_is_why_callers_keep_to_the_slots_order() -> None:
    large, small = np.full((1, 1), 1e8, np.float32), np.ones((1, 1), np.float32)
    assert combine([large, -large, small])[0, 0] == 1.0
    assert combine([large, small, -large])[0, 0] == 0.0


@given(st.lists(LOGITS, min_size=1, max_size=3))
def test_partials_are_left_as_they_were(partials: list[Logits]) -> None:
    before = [partial.copy() for partial in partials]
    combine(partials)
    assert all(np.array_equal(a, b) for a, b in zip(before, partials, strict=True))


GOOD_INPUT: dict[str, Any] = {
    "index": 0,
    "shape": np.array([1, 8, 8, 1]),
    "dtype": np.uint8,
    "quantization": (1.0, 0),
}
GOOD_OUTPUT: dict[str, Any] = {
    "index": 1,
    "shape": np.array([1, 2]),
    "dtype": np.int8,
    "quantization": (0.5, 3),
}


def describing(input_details: dict[str, Any], output_details: dict[str, Any]) -> InterpreterPackage:
    """An interpreter that says so of whatever file it is given."""

    class Describing:
        def __init__(self, *, model_content: bytes, num_threads: int) -> None:
            assert model_content
            assert num_threads == 1

        def allocate_tensors(self) -> None:
            pass

        def get_input_details(self) -> list[dict[str, Any]]:
            return [input_details]

        def get_output_details(self) -> list[dict[str, Any]]:
            return [output_details]

    return InterpreterPackage("describing", "1", Describing)


def test_a_model_that_is_as_promised_is_taken() -> None:
    model = SubModel(example_bundle(), "lower50", package=describing(GOOD_INPUT, GOOD_OUTPUT))
    assert model.dequantize(np.array([[3, 5]], np.int8)).tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize(
    ("details", "complaint"),
    [
        (GOOD_INPUT | {"shape": np.array([1, 9, 8, 1])}, "must take uint8 of shape"),
        (GOOD_INPUT | {"dtype": np.int8}, "must take uint8 of shape"),
        (GOOD_INPUT | {"quantization": (2.0, 0)}, "must take pixel values 0..255"),
        (GOOD_OUTPUT | {"dtype": np.float32}, "must yield quantized int8 logits"),
        (GOOD_OUTPUT | {"shape": np.array([1, 3])}, "for each of the 2 classes, not 3"),
    ],
)
def test_a_model_that_is_not_as_promised_is_named_by_its_file(
    details: dict[str, Any], complaint: str
) -> None:
    is_input = details["index"] == 0
    package = describing(details, GOOD_OUTPUT) if is_input else describing(GOOD_INPUT, details)
    with pytest.raises(BundleError, match=rf"^lower50\.tflite: .*{complaint}"):
        SubModel(example_bundle(), "lower50", package=package)


def test_a_file_that_is_no_model_is_named(package: InterpreterPackage) -> None:
    with pytest.raises(BundleError, match=r"^upper25\.tflite: cannot be loaded \(.*[Ff]latbuffer"):
        SubModel(example_bundle(), "upper25", package=package)
