"""MNIST: 70,000 grey images of handwritten digits, 28x28 pixels.

Read from `$FLUID_DATA_DIR/mnist.npz` (the layout of `keras.datasets.mnist`) where that is set,
else downloaded by Keras. The last 5,000 training images are for validation.
"""

import http.client
import os
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer.data.dataset import Dataset, Split
from trainer.errors import DatasetError

DATA_DIR_VARIABLE = "FLUID_DATA_DIR"
_FILE_NAME = "mnist.npz"
_ARRAYS = ("x_train", "y_train", "x_test", "y_test")
_VALIDATION_IMAGES = 5_000
_CLASSES = tuple(str(digit) for digit in range(10))

# A connection or a disk that fails on the way, and a file whose hash is wrong.
_DOWNLOAD_ERRORS = (OSError, http.client.HTTPException, ValueError)

_Arrays = dict[str, NDArray[np.uint8]]


def load() -> Dataset:
    """Load `mnist`: uint8 images (n, 28, 28, 1), values 0..255.

    Raises `DatasetError` for a file that is missing or is not MNIST in the Keras layout, and
    when the download fails.
    """
    folder = os.environ.get(DATA_DIR_VARIABLE)
    if folder:
        path = Path(folder) / _FILE_NAME
        arrays, origin = _read(path), str(path)
    else:
        arrays, origin = _download(), "keras.datasets.mnist"
    train = _split(arrays["x_train"], arrays["y_train"], origin=origin)
    test = _split(arrays["x_test"], arrays["y_test"], origin=origin)
    if len(train) <= _VALIDATION_IMAGES or not len(test):
        raise DatasetError(f"{origin}: has too few images ({len(train)} and {len(test)})")
    border = len(train) - _VALIDATION_IMAGES
    return Dataset(
        "mnist",
        _CLASSES,
        train=train.take(np.arange(border)),
        validation=train.take(np.arange(border, len(train))),
        test=test,
    )


def _read(path: Path) -> _Arrays:
    try:
        # Opened here, because np.load leaves a broken archive that it opened itself open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in _ARRAYS}
    except FileNotFoundError as error:
        raise DatasetError(
            f"{path}: no such file; put it there, or unset {DATA_DIR_VARIABLE} to download it"
        ) from error
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror or error})") from error
    except KeyError as error:
        raise DatasetError(f"{path}: must hold the arrays {', '.join(_ARRAYS)}") from error
    # A bare .npy loads as an array, which is no context manager (TypeError); a truncated or
    # foreign file raises the others.
    except (ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path}: is not a valid .npz archive; copy it again") from error


def _download() -> _Arrays:
    from trainer.tensorflow_setup import keras  # noqa: PLC0415 - only the download needs it

    try:
        (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    # Keras wraps a failed request in a bare `Exception`, which nothing narrower catches: all that
    # is not exactly that, or one of those below, is an error of another kind and passes.
    except Exception as error:
        if type(error) is not Exception and not isinstance(error, _DOWNLOAD_ERRORS):
            raise
        raise DatasetError(
            f"MNIST cannot be downloaded; set {DATA_DIR_VARIABLE} to a folder with {_FILE_NAME}"
        ) from error
    return dict(zip(_ARRAYS, (x_train, y_train, x_test, y_test), strict=True))


def _split(images: NDArray[np.uint8], labels: NDArray[np.uint8], *, origin: str) -> Split:
    if images.dtype != np.uint8 or images.shape[1:] != (28, 28):
        raise DatasetError(f"{origin}: images must be uint8 28x28, not {images.dtype}")
    if (
        labels.shape != images.shape[:1]
        or labels.dtype.kind not in "iu"
        or np.any((labels < 0) | (labels > 9))
    ):
        raise DatasetError(f"{origin}: needs one label from 0 to 9 for each image")
    return Split(images[..., np.newaxis], labels.astype(np.int64))
