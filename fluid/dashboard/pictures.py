"""A drawing or a photo of a digit, as a network that learnt from MNIST knows them.

MNIST's digits are white on black, fill a box of 20 x 20 pixels, and stand with their centre of
mass in the middle of 28 x 28 (LeCun et al., http://yann.lecun.com/exdb/mnist/). What comes in
another way is recognised badly, however well it was drawn. Pure; knows nothing of requests.
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fluid.codec import (
    PILLOW_ERRORS,
    DecodeLimits,
    recoloured,
    turned_upright,
    without_warnings,
)

Grey = NDArray[np.uint8]

_MARGIN = 4 / 28
_LEAST_WITH_MARGIN = 16  # smaller ones, as scikit-learn's digits of 8 x 8, fill their frame
_INK = 32
_LIGHT = 127


def read_grey(payload: bytes, limits: DecodeLimits) -> Grey | None:
    """The grey values (h, w) of a PNG or JPEG, upright and on black; None for what is neither,
    or has more pixels than a request may."""
    try:
        with without_warnings():
            picture = Image.open(io.BytesIO(payload), formats=("PNG", "JPEG"))
            if picture.width * picture.height > limits.max_pixels:
                return None
            picture.load()
            return np.asarray(recoloured(turned_upright(picture), "L"), dtype=np.uint8)
    except (*PILLOW_ERRORS, Image.DecompressionBombError):
        return None


def as_digit(grey: Grey, *, height: int, width: int) -> Grey | None:
    """A digit, cut out, scaled and centred as in MNIST: uint8 (height, width), white on black.

    Dark ink on a light ground is turned round. None where there is no ink.
    """
    ink = _ink(grey)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not rows.size:
        return None
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scaled = _scaled(cut, _box(min(height, width)))
    return _centred(scaled, height=height, width=width)


def png(grey: Grey) -> bytes:
    """Grey values as a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, format="PNG")
    return buffer.getvalue()


def _ink(grey: Grey) -> Grey:
    """What stands out from the ground, which is what the border mostly is; at full contrast."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    ground = float(np.median(border))
    away = (ground - grey) if ground > _LIGHT else (grey - ground)
    strongest = float(away.max())
    if strongest < _INK:
        return np.zeros_like(grey)
    ink = np.clip(away * (255.0 / strongest), 0, 255)
    ink[ink < _INK] = 0
    strokes: Grey = np.rint(ink).astype(np.uint8)
    return strokes


def _box(frame: int) -> int:
    return frame if frame < _LEAST_WITH_MARGIN else frame - 2 * round(frame * _MARGIN)


def _scaled(ink: Grey, box: int) -> Grey:
    """The longer side as long as the box, the other in proportion."""
    height, width = ink.shape
    scale = box / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    resized = Image.fromarray(ink).resize(size, Image.Resampling.LANCZOS)
    return np.asarray(resized, dtype=np.uint8)


def _centred(ink: Grey, *, height: int, width: int) -> Grey:
    """On black, with the centre of mass in the middle as far as nothing is cut off."""
    weights = ink.astype(np.float64)
    total = weights.sum()
    row = (weights.sum(axis=1) @ np.arange(ink.shape[0])) / total
    column = (weights.sum(axis=0) @ np.arange(ink.shape[1])) / total
    top = _bounded(round((height - 1) / 2 - row), most=height - ink.shape[0])
    left = _bounded(round((width - 1) / 2 - column), most=width - ink.shape[1])
    frame = np.zeros((height, width), np.uint8)
    frame[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return frame


def _bounded(offset: int, *, most: int) -> int:
    return max(0, min(offset, most))
