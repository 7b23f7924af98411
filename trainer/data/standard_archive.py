"""Reads data sets that come as `x_train, y_train, x_test, y_test` of 28x28 grey images.

From `$FLUID_DATA_DIR/<name>.npz` where that is set, else downloaded by Keras. The last 5,000
training images are for validation.
"""

import http.client
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer.data.augmentation import SHIFTS
from trainer.data.dataset import Dataset, Split
from trainer.errors import DatasetError

DATA_DIR_VARIABLE = "FLUID_DATA_DIR"
_ARRAYS = ("x_train", "y_train", "x_test", "y_test")
_VALIDATION_IMAGES = 5_000

# A connection or a disk that fails on the way, and a file whose hash is wrong.
_DOWNLOAD_ERRORS = (OSError, http.client.HTTPException, ValueError)

_Arrays = dict[str, NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class StandardArchive:
    """name: as on the command line, and of the file. keras_name: the module of `keras.datasets`."""

    name: str
    keras_name: str
    classes: tuple[str, ...]

    def load(self) -> Dataset:
        """The data set: uint8 images (n, 28, 28, 1), values 0..255.

        Raises `DatasetError` for a file that is missing or has not this layout, and when the
        download fails.
        """
        folder = os.environ.get(DATA_DIR_VARIABLE)
        if folder:
            path = Path(folder) / self._file_name
            arrays, origin = _read(path), str(path)
        else:
            arrays, origin = self._download(), f"keras.datasets.{self.keras_name}"
        train = self._split(arrays["x_train"], arrays["y_train"], origin=origin)
        test = self._split(arrays["x_test"], arrays["y_test"], origin=origin)
        if len(train) <= _VALIDATION_IMAGES or not len(test):
            raise DatasetError(f"{origin}: has too few images ({len(train)} and {len(test)})")
        border = len(train) - _VALIDATION_IMAGES
        return Dataset(
            self.name,
            self.classes,
            train=train.take(np.arange(border)),
            validation=train.take(np.arange(border, len(train))),
            test=test,
            augmentation=SHIFTS,
        )

    @property
    def _file_name(self) -> str:
        return f"{self.name}.npz"

    def _download(self) -> _Arrays:
        from trainer.tensorflow_setup import keras  # noqa: PLC0415 - only the download needs it

        source = getattr(keras.datasets, self.keras_name)
        try:
            (x_train, y_train), (x_test, y_test) = source.load_data()
        # Keras wraps a failed request in a bare `Exception`, which nothing narrower catches: all
        # that is not exactly that, or one of those above, is an error of another kind and passes.
        except Exception as error:
            if type(error) is not Exception and not isinstance(error, _DOWNLOAD_ERRORS):
                raise
            raise DatasetError(
                f"{self.name} cannot be downloaded; set {DATA_DIR_VARIABLE} to a folder with "
                f"{self._file_name}"
            ) from error
        return dict(zip(_ARRAYS, (x_train, y_train, x_test, y_test), strict=True))

    def _split(self, images: NDArray[np.uint8], labels: NDArray[np.uint8], *, origin: str) -> Split:
        if images.dtype != np.uint8 or images.shape[1:] != (28, 28):
            raise DatasetError(f"{origin}: images must be uint8 28x28, not {images.dtype}")
        if (
            labels.shape != images.shape[:1]
            or labels.dtype.kind not in "iu"
            or np.any((labels < 0) | (labels >= len(self.classes)))
        ):
            last = len(self.classes) - 1
            raise DatasetError(f"{origin}: needs one label from 0 to {last} for each image")
        return Split(images[..., np.newaxis], labels.astype(np.int64))


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
