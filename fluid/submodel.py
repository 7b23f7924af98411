"""One sub-model: a TFLite file that turns uint8 images into float32 partial logits.

Used by the agents that serve and by the evaluation that measures, so that what was measured is
what answers. Batches loop over single images: a batch gains nothing inside the interpreter, and
resizing tensors crashes it under emulation.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluid.bundle import Bundle, Stage
from fluid.errors import BundleError
from fluid.interpreter import InterpreterPackage

Images = NDArray[np.uint8]
Logits = NDArray[np.float32]


class SubModel:
    """A loaded stage of a bundle. Not thread-safe: give it to one thread."""

    def __init__(self, bundle: Bundle, stage: str, *, package: InterpreterPackage) -> None:
        """Load a stage's bytes; `package` is from `find_interpreter()`.

        Raises `BundleError` naming the file if it cannot be loaded, or if its input or output is
        not what the manifest promises.
        """
        self.stage = stage
        manifest = bundle.manifest
        file = manifest.stage(stage).file
        self._interpreter = load_interpreter(bundle, manifest.stage(stage), package=package)
        inputs = self._interpreter.get_input_details()
        outputs = self._interpreter.get_output_details()
        if (len(inputs), len(outputs)) != (1, 1):
            raise BundleError(f"{file}: must take one input and yield one output")
        (input_details,), (output_details,) = inputs, outputs
        self._input_index: int = input_details["index"]
        self._output_index: int = output_details["index"]
        expected = (1, *manifest.input.shape)
        if tuple(input_details["shape"]) != expected or input_details["dtype"] is not np.uint8:
            raise BundleError(f"{file}: must take uint8 of shape {expected}")
        if input_details["quantization"] != (1.0, 0):
            raise BundleError(f"{file}: must take pixel values 0..255 as they are")
        scale, zero_point = output_details["quantization"]
        if output_details["dtype"] is not np.int8 or not scale:
            raise BundleError(f"{file}: must yield quantized int8 logits")
        self._classes = classes = len(manifest.classes)
        if output_details["shape"][-1] != classes:
            raise BundleError(
                f"{file}: must yield a logit for each of the {classes} classes, "
                f"not {output_details['shape'][-1]}"
            )
        # By the bits of each int8: to look them up costs a fraction of what computing them does.
        every = np.arange(256, dtype=np.uint8).view(np.int8)
        centred = every.astype(np.int32) - zero_point
        self._dequantized: Logits = centred.astype(np.float32) * np.float32(scale)

    def run(self, images: Images) -> Logits:
        """uint8 images of shape (n, height, width, channels) -> float32 logits (n, classes)."""
        return self.dequantize(self.run_quantized(images))

    def run_quantized(self, images: Images) -> NDArray[np.int8]:
        """As `run`, but the int8 logits as the interpreter yields them, shape (n, classes)."""
        rows = np.empty((len(images), self._classes), np.int8)
        interpreter = self._interpreter
        for index in range(len(images)):
            interpreter.set_tensor(self._input_index, images[index : index + 1])
            interpreter.invoke()
            rows[index] = interpreter.get_tensor(self._output_index)
        return rows

    def dequantize(self, quantized: NDArray[np.int8]) -> Logits:
        """scale * (q - zero_point) in float32: the same bits on every machine."""
        return self._dequantized.take(quantized.view(np.uint8))


def load_interpreter(bundle: Bundle, stage: Stage, *, package: InterpreterPackage) -> Any:
    """An interpreter of a stage's file, on one thread, ready to run.

    Raises `BundleError` naming the file if the interpreter refuses it.
    """
    try:
        interpreter = package.interpreter_class(
            model_content=bundle.models[stage.name], num_threads=1
        )
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:  # no model at all; an operation it lacks
        reason = " ".join(str(error).split())  # some of its messages are of several lines
        raise BundleError(f"{stage.file}: cannot be loaded ({reason})") from error
    return interpreter


def combine(partials: list[Logits]) -> Logits:
    """Sum partial logits, in the order given, in float32.

    The order matters for equal bits (float addition does not associate), so callers pass the
    slots' order of the manifest.
    """
    total = partials[0].copy()
    for partial in partials[1:]:
        total += partial
    return total
