"""Converts one stage to a full-int8 TFLite file.

uint8 pixels (scale 1, zero point 0: an image goes in as it is) or int8 feature maps in, an int8
feature map or int8 partial logits out, batch 1, built-in int8 operators alone, so that
tflite-runtime 2.14 runs it.
"""

import re
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluid.bundle import IMAGE
from fluid.stages import input_name
from trainer.errors import ExportError
from trainer.export.operators import check_operators
from trainer.models import FloatStage
from trainer.native_output import held_back_stderr
from trainer.tensorflow_setup import tf

# isort: split
# Not among the public names, and a subclass of nothing that could be caught instead.
from tensorflow.lite.python.convert_phase import ConverterError


def convert(stage: FloatStage, calibration: Sequence[NDArray[np.generic]]) -> bytes:
    """A TFLite file: (1, *shape) of each input -> int8 (1, ...).

    calibration: for each input, (n, *shape), values that it takes for training images, from which
    the converter learns the range of each activation. Raises `ValueError` unless images hold both
    0 and 255, since the input's scale would not be 1 then, and `ExportError` if the converter
    gives up, or leaves anything in float or to interpreters that devices do not have.
    """
    takes_image = stage.inputs == (IMAGE,)
    if takes_image and (calibration[0].min() != 0 or calibration[0].max() != 255):
        raise ValueError("calibration images must hold both the values 0 and 255")
    function = tf.function(stage, autograph=False).get_concrete_function(*_signature(stage))
    no_variables = tf.Module()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], no_variables)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _representatives(calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8 if takes_image else tf.int8
    converter.inference_output_type = tf.int8
    try:
        # The converter announces its settings on stderr, and that statistics of quantised inputs
        # are not given, which a calibrated model has no use for.
        with held_back_stderr(), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            model = bytes(converter.convert())
    except (ConverterError, ValueError, RuntimeError) as error:
        raise ExportError(f"stage {stage.name} cannot be converted: {_reason(error)}") from error
    check_operators(stage.name, model)
    return model


def _reason(error: Exception) -> str:
    """One line: of a page about operators that TFLite lacks, the one that names them."""
    lacking = re.search(r"^(Custom|TF Select) ops: (.+)$", str(error), re.MULTILINE)
    if lacking:
        return f"TensorFlow Lite has no {lacking[2]}"
    return str(error).partition("\n")[0]


def _signature(stage: FloatStage) -> list[Any]:
    return [
        tf.TensorSpec((1, *shape), tf.float32, name=input_name(number))
        for number, shape in enumerate(stage.input_shapes)
    ]


def _representatives(
    calibration: Sequence[NDArray[np.generic]],
) -> Iterator[dict[str, NDArray[np.float32]]]:
    for index in range(len(calibration[0])):
        yield {
            # By name: the converter does not keep the inputs' order.
            input_name(number): each[index : index + 1].astype(np.float32)
            for number, each in enumerate(calibration)
        }
