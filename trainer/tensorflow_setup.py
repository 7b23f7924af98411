"""The one place that imports TensorFlow and Keras, because what it says and does is fixed then.

Every module of the trainer that needs them takes them from here:
`from trainer.tensorflow_setup import keras, tf`. Modules that a machine without TensorFlow needs
(`trainer.data`, `trainer.evaluation`, `trainer.topology`) must not import this one.

Raises `DependencyMissing` on import if TensorFlow is not installed.
"""

import os

from trainer.errors import DependencyMissing
from trainer.native_output import held_back_stderr

# Read once, at import: errors only, and Keras on TensorFlow, which alone exports to TFLite.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["KERAS_BACKEND"] = "tensorflow"

try:
    with held_back_stderr():
        import tensorflow as tf

        tf.config.list_logical_devices()  # starts the runtime, which notes each driver it lacks
except ImportError as error:
    raise DependencyMissing(
        "TensorFlow is not installed: pip install -c constraints.txt '.[trainer]' in the clone"
    ) from error

import keras  # after TensorFlow: importing it first would print the notes held back above

__all__ = ["keras", "seed_everything", "tf"]


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy, Keras and TensorFlow, and choose deterministic kernels.

    For the whole process: the same seed on the same machine and versions gives the same weights.
    """
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
