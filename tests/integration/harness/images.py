"""The oracle's images as files: what people and cameras publish."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


def png(pixels: Pixels) -> bytes:
    """A grey image (h, w, 1) as PNG."""
    return _encoded(pixels, "PNG")


def jpeg(pixels: Pixels) -> bytes:
    """A grey image (h, w, 1) as JPEG, which changes pixels a little."""
    return _encoded(pixels, "JPEG")


def npy(array: Pixels) -> bytes:
    """An image, or a batch of them, as `.npy`."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def decoded(payload: bytes) -> Pixels:
    """The pixels (h, w, 1) of an encoded grey image."""
    with Image.open(io.BytesIO(payload)) as image:
        return np.asarray(image.convert("L"), dtype=np.uint8)[..., np.newaxis]


def _encoded(pixels: Pixels, kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0]).save(buffer, format=kind)
    return buffer.getvalue()
