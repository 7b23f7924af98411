"""Writes a trained network as a file of Keras' own format."""

import warnings
from pathlib import Path

from trainer.models.sliced_cnn import SlicedCNN


def save_network(network: SlicedCNN, path: Path) -> None:
    """Write a built network to `path`, which ends in `.keras`; a file that is there is replaced.

    `keras.models.load_model` reads it, once `trainer.models` is imported. A network of somebody's
    backbone is saved with that function's name, not its code: reading imports and calls it, so
    read no strangers' files, and keep the function as it was. Raises `OSError`.
    """
    with warnings.catch_warnings():
        # Keras makes arrays of its variables in a way that NumPy 2 frowns upon.
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        network.save(path)
