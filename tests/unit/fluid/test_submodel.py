from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from fluid.errors import BundleError
from fluid.interpreter import InterpreterPackage
from fluid.submodel import Images, Logits, SubModel, combine
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


def test_every_int8_is_dequantized_to_the_same_bits_as_by_the_formula() -> None:
    scale, zero_point = np.float32(0.1), -7
    details = GOOD_OUTPUT | {"quantization": (float(scale), zero_point)}
    model = SubModel(example_bundle(), "lower50", package=describing(GOOD_INPUT, details))
    every = np.arange(-128, 128, dtype=np.int8).reshape(128, 2)
    expected = (every.astype(np.int32) - zero_point).astype(np.float32) * scale
    logits = model.dequantize(every)
    assert logits.dtype == np.float32
    assert logits.shape == (128, 2)
    assert logits.tobytes() == expected.tobytes()


class Counting:
    """An interpreter that yields how many images it has had, and writes it to one place."""

    def __init__(self, *, model_content: bytes, num_threads: int) -> None:
        assert model_content
        assert num_threads == 1
        self._output = np.zeros((1, 2), np.int8)

    def allocate_tensors(self) -> None:
        pass

    def get_input_details(self) -> list[dict[str, Any]]:
        return [GOOD_INPUT]

    def get_output_details(self) -> list[dict[str, Any]]:
        return [GOOD_OUTPUT]

    def set_tensor(self, index: int, image: Images) -> None:
        assert (index, image.shape) == (0, (1, 8, 8, 1))

    def invoke(self) -> None:
        self._output += 1

    def get_tensor(self, index: int) -> NDArray[np.int8]:
        assert index == 1
        return self._output.copy()


def test_each_image_of_a_batch_is_run_by_itself_and_keeps_its_result() -> None:
    package = InterpreterPackage("counting", "1", Counting)
    model = SubModel(example_bundle(), "lower50", package=package)
    images = np.zeros((3, 8, 8, 1), np.uint8)
    assert model.run_quantized(images).tolist() == [[1, 1], [2, 2], [3, 3]]
    first, second = (model.run_quantized(images[:1]) for _ in range(2))
    assert (first.tolist(), second.tolist()) == ([[4, 4]], [[5, 5]])


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
