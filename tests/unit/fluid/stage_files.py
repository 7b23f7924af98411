"""A pretended interpreter and bundles for it, so that stages can be tested without TensorFlow.

A "model" is JSON that says what the file takes and yields. It adds up all its inputs, and its
output is that sum in every place.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluid.bundle import IMAGE, LOGITS, Bundle, InputSpec, Manifest, Stage, SubNetwork
from fluid.interpreter import InterpreterPackage

IMAGE_SHAPE = (2, 2, 1)
MAP_SHAPE = (1, 1, 2)
CLASSES = ("a", "b", "c")
MAP_SCALE = (0.5, -8)
LOGITS_SCALE = (0.25, 2)


class AddingInterpreter:
    """Looks like a TFLite interpreter; names its inputs as converted files do, in reverse."""

    def __init__(self, *, model_content: bytes, num_threads: int) -> None:
        assert num_threads == 1  # a device's other cores are for others
        self._model = json.loads(model_content)
        self._inputs: dict[int, NDArray[Any]] = {}

    def allocate_tensors(self) -> None:
        """Nothing to allocate."""

    def get_input_details(self) -> list[dict[str, Any]]:
        return [
            {
                "index": index,
                "name": f"serving_default_input_{number}:0",
                "shape": np.array([1, *entry["shape"]]),
                "dtype": np.dtype(entry["dtype"]).type,
                "quantization": tuple(entry["quantization"]),
            }
            for index, (number, entry) in enumerate(reversed([*enumerate(self._model["inputs"])]))
        ]

    def get_output_details(self) -> list[dict[str, Any]]:
        output = self._model["output"]
        return [
            {
                "index": 99,
                "shape": np.array([1, *output["shape"]]),
                "dtype": np.dtype(output["dtype"]).type,
                "quantization": tuple(output["quantization"]),
            }
        ]

    def set_tensor(self, index: int, value: NDArray[Any]) -> None:
        number = len(self._model["inputs"]) - 1 - index
        entry = self._model["inputs"][number]
        assert (list(value.shape), value.dtype) == ([1, *entry["shape"]], entry["dtype"])
        self._inputs[number] = value

    def invoke(self) -> None:
        """Everything happens when the output is asked for."""

    def get_tensor(self, index: int) -> NDArray[np.int8]:
        assert index == 99
        # Later inputs count more, so that inputs in the wrong order show.
        total = sum(
            (number + 1) * int(value.sum(dtype=int)) for number, value in self._inputs.items()
        )
        return np.full((1, *self._model["output"]["shape"]), total, dtype=np.int8)


PACKAGE = InterpreterPackage("adding", "1.0", AddingInterpreter)


def entry(
    shape: Sequence[int], quantization: tuple[float, int], dtype: str = "int8"
) -> dict[str, Any]:
    """What a model says of one of its ends."""
    return {"shape": list(shape), "quantization": list(quantization), "dtype": dtype}


IMAGE_END = entry(IMAGE_SHAPE, (1.0, 0), "uint8")
MAP_END = entry(MAP_SHAPE, MAP_SCALE)
LOGITS_END = entry((len(CLASSES),), LOGITS_SCALE)


def model(inputs: Sequence[dict[str, Any]], output: dict[str, Any]) -> bytes:
    """A file for `AddingInterpreter`."""
    return json.dumps({"inputs": list(inputs), "output": output}).encode()


def stage(name: str, slot: str, inputs: tuple[str, ...] = (IMAGE,), output: str = LOGITS) -> Stage:
    """A manifest entry."""
    return Stage(name, f"{name}.tflite", slot, 1.0, "0" * 64, 0, inputs, output)


def cut_bundle(**replaced: bytes) -> Bundle:
    """Two slots whose second layer reads both; one stage of the upper slot that works alone.

    In the manifest, stages come before those that they read, and the upper slot's first.
    replaced: other files for some stages, by name.
    """
    stages = (
        stage("logits_upper", "upper", ("map_lower", "map_upper")),
        stage("logits_lower", "lower", ("map_lower", "map_upper")),
        stage("map_upper", "upper", output="map_upper"),
        stage("map_lower", "lower", output="map_lower"),
        stage("alone", "upper"),
    )
    models = {
        "logits_upper": model([MAP_END, MAP_END], LOGITS_END),
        "logits_lower": model([MAP_END, MAP_END], LOGITS_END),
        "map_upper": model([IMAGE_END], MAP_END),
        "map_lower": model([IMAGE_END], MAP_END),
        "alone": model([IMAGE_END], LOGITS_END),
    }
    manifest = Manifest(
        name="example",
        family="static",
        algorithm="static",
        input=InputSpec(IMAGE_SHAPE),
        classes=CLASSES,
        slots=("lower", "upper"),
        widths=(1.0,),
        stages=stages,
        subnetworks=(
            SubNetwork("100", ("logits_upper", "logits_lower", "map_upper", "map_lower")),
            SubNetwork("upper50", ("alone",)),
        ),
    )
    return Bundle(manifest, models | replaced)


def unrunnable_bundle() -> Bundle:
    """One whose sub-network lacks a stage that others of it read."""
    bundle = cut_bundle()
    network = SubNetwork("100", ("logits_lower", "map_lower"))
    return Bundle(replace(bundle.manifest, subnetworks=(network,)), bundle.models)


def sealed(bundle: Bundle) -> Bundle:
    """A bundle whose manifest tells its files' true sizes and sha256, so that it can be written."""
    stages = tuple(
        replace(
            each,
            sha256=hashlib.sha256(bundle.models[each.name]).hexdigest(),
            size_bytes=len(bundle.models[each.name]),
        )
        for each in bundle.manifest.stages
    )
    return Bundle(replace(bundle.manifest, stages=stages), bundle.models)
