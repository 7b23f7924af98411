"""Converts one sub-model to a full-int8 TFLite file.

uint8 pixels in (scale 1, zero point 0: an image goes in as it is), int8 partial logits out,
batch 1, built-in int8 operators alone, so that tflite-runtime 2.14 runs it.
"""

import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from trainer.data import Images
from trainer.errors import ExportError
from trainer.models import FloatSubModel
from trainer.native_output import held_back_stderr
from trainer.tensorflow_setup import tf


def convert(sub_model: FloatSubModel, calibration: Images) -> bytes:
    """A TFLite file: uint8 (1, height, width, channels) -> int8 partial logits (1, classes).

    calibration: uint8 (n, height, width, channels), training images, from which the converter
    learns the range of each activation. Raises `ValueError` unless they hold both 0 and 255,
    since the input's scale would not be 1 then, and `ExportError` if the converter gives up.
    """
    if calibration.min() != 0 or calibration.max() != 255:
        raise ValueError("calibration images must hold both the values 0 and 255")
    signature = tf.TensorSpec((1, *sub_model.image_shape), tf.float32)
    function = tf.function(sub_model).get_concrete_function(signature)
    # The converter turns variables into constants if it can track them, which it cannot do
    # through a Keras model that has not been saved: hand it TensorFlow's own.
    variables = tf.Module()
    variables.tracked = [weight.value for weight in sub_model.tower.weights]
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], variables)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _representatives(calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.int8
    try:
        # The converter announces its settings on stderr, and that statistics of uint8 inputs
        # are not given, which a calibrated model has no use for.
        with held_back_stderr(), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return bytes(converter.convert())
    except (ValueError, RuntimeError) as error:
        raise ExportError(f"sub-model {sub_model.name} cannot be converted: {error}") from error


def _representatives(calibration: Images) -> Iterator[list[NDArray[np.float32]]]:
    for index in range(len(calibration)):
        yield [calibration[index : index + 1].astype(np.float32)]
