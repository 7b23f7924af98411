"""Picture files -> uint8 arrays, through the code that serves pictures (`fluid.codec`)."""

import hashlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from fluid.bundle import InputSpec
from fluid.codec import Decoded, DecodeFailure, DecodeLimits, decode_picture
from trainer.data.images import Images
from trainer.data.picture_form import PictureForm
from trainer.errors import DatasetError

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})

# A person's own files, so larger ones than a stranger may send; still below Pillow's alarm.
_LIMITS = DecodeLimits(max_bytes=64 * 1024 * 1024, max_pixels=64_000_000)
_PROBED_PICTURES = 200
_PROBE = InputSpec((64, 64, 3), resize="bilinear")
# Sides that small convolutional networks are at home with, largest first. Twice the side costs
# four times the work, so larger pictures are worked on at more than the first only when asked for.
_USUAL_SIDES_PX = (64, 48, 32)
_LARGEST_KEPT_SIDE_PX = 96


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """pixels: uint8 (height, width, channels). digest: of the file's content."""

    pixels: Images
    digest: bytes


@dataclass(frozen=True, slots=True)
class ChosenForm:
    """What pictures are turned into, and why, in one line for people."""

    spec: InputSpec
    reason: str


def read_picture(path: Path, spec: InputSpec) -> Picture | DecodeFailure:
    """One file in the form of `spec`; a `DecodeFailure` for a file that is no PNG or JPEG.

    Raises `DatasetError` for a file that the operating system refuses: that is not the picture's
    fault and would not concern this one alone.
    """
    payload = _content(path)
    decoded = decode_picture(payload, spec, _LIMITS)
    if isinstance(decoded, Decoded):
        return Picture(decoded.images[0], hashlib.blake2b(payload, digest_size=16).digest())
    return decoded


def choose_form(paths: Sequence[Path], wanted: PictureForm) -> ChosenForm:
    """Fill in what was not asked for, from up to 200 pictures evenly spread over the paths.

    The size: that of the pictures if all have the same and it is small; else a square of 32, 48
    or 64 pixels, the largest that their shorter sides mostly reach. The colour: RGB if any of
    them shows one. Raises `DatasetError` if none of them can be read.
    """
    if wanted.size is not None and wanted.channels is not None:
        return ChosenForm(_spec(wanted.size, wanted.channels), "as asked for")
    spread = np.linspace(0, len(paths) - 1, num=min(_PROBED_PICTURES, len(paths)), dtype=int)
    probes = [probe for index in spread if (probe := _probe(paths[index])) is not None]
    if not probes:
        raise DatasetError(f"{paths[0].parent}: none of the pictures looked at can be read")
    size = wanted.size or _usual_size([probe.size for probe in probes])
    channels = wanted.channels or (3 if any(probe.is_coloured for probe in probes) else 1)
    median_height = round(median(height for (height, _) in (probe.size for probe in probes)))
    median_width = round(median(width for (_, width) in (probe.size for probe in probes)))
    return ChosenForm(
        _spec(size, channels),
        f"{len(probes)} of the pictures were looked at; their median size is "
        f"{median_height}x{median_width}, "
        f"{sum(probe.is_coloured for probe in probes)} show colours",
    )


@dataclass(frozen=True, slots=True)
class _Probe:
    size: tuple[int, int]
    is_coloured: bool


def _probe(path: Path) -> _Probe | None:
    payload = _content(path)
    decoded = decode_picture(payload, _PROBE, _LIMITS)
    if isinstance(decoded, DecodeFailure):
        return None
    pixels = decoded.images[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata, which the decoding did not mind either
        with Image.open(io.BytesIO(payload)) as picture:
            width, height = picture.size
    return _Probe((height, width), is_coloured=bool((pixels != pixels[..., :1]).any()))


def _usual_size(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    if len(set(sizes)) == 1 and max(sizes[0]) <= _LARGEST_KEPT_SIDE_PX:
        return sizes[0]
    shorter_px = median(min(size) for size in sizes)
    side = next((side for side in _USUAL_SIDES_PX if side <= shorter_px), _USUAL_SIDES_PX[-1])
    return side, side


def _spec(size: tuple[int, int], channels: int) -> InputSpec:
    return InputSpec((*size, channels), resize="bilinear")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error
