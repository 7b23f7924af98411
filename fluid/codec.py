"""Request payloads: bytes from anybody -> uint8 images, and images -> payload bytes.

Owns which formats a request may have and what each bad one is answered with. Decoding is total:
whatever the bytes, it returns `Decoded` or `DecodeFailure` and raises nothing. Sizes are judged
by the header, before memory is spent on pixels. Knows nothing of topics, requests or models
beyond the `InputSpec`.

A payload is, by its first bytes, PNG, JPEG or `.npy`; else it is raw pixels of exactly the input
shape. A payload of exactly the raw size whose first bytes promise a format, but whose header
cannot be read as that format, is raw pixels too: bright pixels may spell a magic number by
chance, a whole readable header they do not.
"""

import io
import struct
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from fluid.bundle.manifest import InputSpec
from fluid.errors import ErrorCode, ImageError
from fluid.messages import PROBABILITIES_PROPERTY as PROBABILITIES_PROPERTY  # noqa: PLC0414 -- named here too
from fluid.npy import NPY_MAGIC, NpyHeader, UnreadableHeader, read_npy_header

Images = NDArray[np.uint8]

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
JPEG_MAGIC = b"\xff\xd8\xff"

# What Pillow's readers were seen or are documented to raise on hostile bytes. It promises no
# single exception type, and a decoder fed by strangers must not let any of these through.
PILLOW_ERRORS = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    AssertionError,
    NotImplementedError,
    RecursionError,
    MemoryError,
    struct.error,
    zlib.error,
)

# How to turn the stored pixels of a photo upright (EXIF 2.3, tag 0x0112; 1 needs nothing).
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# `warnings.catch_warnings` swaps state of the whole process: two threads inside it at once would
# restore each other's filters.
_quiet = threading.Lock()


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What one request may cost: payload bytes, pixels of one image, images of one batch."""

    max_bytes: int = 8 * 1024 * 1024
    max_pixels: int = 16_000_000
    max_batch: int = 256


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """The images of a request: uint8 (n, height, width, channels), read-only where it could be
    had without a copy. `is_batch`: the requester gets a list of replies, even for n = 1."""

    images: Images
    is_batch: bool


@dataclass(frozen=True, slots=True)
class DecodeFailure:
    """Why a payload has no images, ready for an error reply. The message is one line."""

    code: ErrorCode
    message: str


def decode_images(payload: bytes, spec: InputSpec, limits: DecodeLimits) -> Decoded | DecodeFailure:
    """The images in a payload, as uint8 of shape (n, *spec.shape). Never raises.

    PNG and JPEG are converted to grey or RGB as the shape's channels say, and scaled where
    `spec.resize` is "bilinear". Arrays and raw pixels are taken as they are: `.npy` may hold one
    image, (h, w, c), or a batch, (n, h, w, c); c may be left out for grey.

    More than `limits.max_batch` images are PAYLOAD_TOO_LARGE: each image is right, the message
    is too big, and sending it in parts is the cure, as it is for too many bytes.
    """
    if not payload:
        return DecodeFailure(ErrorCode.EMPTY_PAYLOAD, "the payload is empty")
    if len(payload) > limits.max_bytes:
        return _too_large(payload, limits)
    outcome = _reader(payload)(payload, spec, limits)
    if isinstance(outcome, _NotThisFormat):
        if len(payload) == spec.size_bytes:
            raw = np.frombuffer(payload, np.uint8).reshape(1, *spec.shape)
            return Decoded(raw, is_batch=False)
        return outcome.failure
    return outcome


def decode_picture(
    payload: bytes, spec: InputSpec, limits: DecodeLimits
) -> Decoded | DecodeFailure:
    """As `decode_images`, but of PNG and JPEG alone: nothing is taken for raw pixels.

    For files that must be pictures. Training reads its images through this, so that a network
    is served the very pixels, scaled by the same code, that it has learnt from.
    """
    if not payload.startswith((PNG_MAGIC, JPEG_MAGIC)):
        return DecodeFailure(ErrorCode.NOT_AN_IMAGE, "neither PNG nor JPEG")
    if len(payload) > limits.max_bytes:
        return _too_large(payload, limits)
    outcome = _read_picture(payload, spec, limits)
    return outcome.failure if isinstance(outcome, _NotThisFormat) else outcome


def _too_large(payload: bytes, limits: DecodeLimits) -> DecodeFailure:
    return DecodeFailure(
        ErrorCode.PAYLOAD_TOO_LARGE,
        f"the payload has {len(payload)} bytes; at most {limits.max_bytes} are accepted",
    )


@dataclass(frozen=True, slots=True)
class _NotThisFormat:
    """The header cannot be read; `failure` holds unless the payload has the raw size."""

    failure: DecodeFailure


_Outcome = Decoded | DecodeFailure | _NotThisFormat
_Reader = Callable[[bytes, InputSpec, DecodeLimits], _Outcome]


def _reader(payload: bytes) -> _Reader:
    if payload.startswith((PNG_MAGIC, JPEG_MAGIC)):
        return _read_picture
    if payload.startswith(NPY_MAGIC):
        return _read_npy
    return _read_unknown


def _read_unknown(payload: bytes, spec: InputSpec, _limits: DecodeLimits) -> _Outcome:
    return _NotThisFormat(
        DecodeFailure(
            ErrorCode.NOT_AN_IMAGE,
            f"{len(payload)} bytes that are no image: send PNG, JPEG, .npy (uint8), or raw uint8 "
            f"pixels of shape {_text(spec.shape)}, which are exactly {spec.size_bytes} bytes",
        )
    )


def _read_npy(payload: bytes, spec: InputSpec, limits: DecodeLimits) -> _Outcome:
    header = read_npy_header(payload)
    if isinstance(header, UnreadableHeader):
        return _NotThisFormat(DecodeFailure(ErrorCode.NOT_AN_IMAGE, f".npy: {header.reason}"))
    if not header.is_uint8:
        return DecodeFailure(ErrorCode.NOT_AN_IMAGE, ".npy: the array's dtype must be uint8")
    return _judge_npy(header, payload, spec, limits) or _take_npy(header, payload, spec)


def _judge_npy(
    header: NpyHeader, payload: bytes, spec: InputSpec, limits: DecodeLimits
) -> DecodeFailure | None:
    is_batch = not _is_one_image(header, spec)
    if is_batch and header.shape[1:] not in _image_shapes(spec):
        return DecodeFailure(
            ErrorCode.WRONG_SHAPE,
            f".npy: the array has shape {_text(header.shape)}; the model takes "
            f"{_text(spec.shape)}, or a batch of these: send it in that shape",
        )
    if is_batch and header.shape[0] == 0:
        return DecodeFailure(ErrorCode.EMPTY_PAYLOAD, ".npy: the batch has no image")
    if is_batch and header.shape[0] > limits.max_batch:
        return DecodeFailure(
            ErrorCode.PAYLOAD_TOO_LARGE,
            f".npy: the batch has {header.shape[0]} images; at most {limits.max_batch} may be sent",
        )
    carried = len(payload) - header.data_offset
    if carried < header.size:
        return DecodeFailure(
            ErrorCode.TRUNCATED_IMAGE,
            f".npy: the header promises {header.size} bytes of pixels, {carried} follow",
        )
    if carried > header.size:
        return DecodeFailure(
            ErrorCode.NOT_AN_IMAGE,
            f".npy: {carried - header.size} bytes follow the array that its header describes",
        )
    return None


def _take_npy(header: NpyHeader, payload: bytes, spec: InputSpec) -> Decoded:
    is_batch = not _is_one_image(header, spec)
    flat = np.frombuffer(payload, np.uint8, offset=header.data_offset)
    if not header.fortran_order:
        return Decoded(flat.reshape(-1, *spec.shape), is_batch)
    array = flat.reshape(header.shape, order="F")
    return Decoded(np.ascontiguousarray(array.reshape(-1, *spec.shape)), is_batch)


def _is_one_image(header: NpyHeader, spec: InputSpec) -> bool:
    return header.shape == spec.shape or header.shape in _image_shapes(spec)


def _image_shapes(spec: InputSpec) -> tuple[tuple[int, ...], ...]:
    """The array shapes that mean one image; the channel may be left out where there is one."""
    return (spec.shape, spec.shape[:2]) if spec.shape[2] == 1 else (spec.shape,)


def _read_picture(payload: bytes, spec: InputSpec, limits: DecodeLimits) -> _Outcome:
    with without_warnings():
        try:
            picture = Image.open(io.BytesIO(payload), formats=("PNG", "JPEG"))
        except Image.DecompressionBombError:
            return DecodeFailure(
                ErrorCode.TOO_MANY_PIXELS, "the image has far more pixels than are accepted"
            )
        except PILLOW_ERRORS:
            return _NotThisFormat(_unreadable_header(payload))
        return _judge_picture(picture, spec, limits) or _take_picture(picture, spec)


@contextmanager
def without_warnings() -> Iterator[None]:
    """Pillow warns of odd metadata and of large sizes. Sizes are judged by who reads; a reader of
    strangers' files has no use for the rest."""
    with _quiet, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _judge_picture(
    picture: Image.Image, spec: InputSpec, limits: DecodeLimits
) -> DecodeFailure | None:
    height, width, _ = spec.shape
    if picture.width * picture.height > limits.max_pixels:
        return DecodeFailure(
            ErrorCode.TOO_MANY_PIXELS,
            f"the image has {picture.width} x {picture.height} pixels; "
            f"at most {limits.max_pixels} are accepted",
        )
    if spec.resize == "exact" and picture.size != (width, height):
        return DecodeFailure(
            ErrorCode.WRONG_SHAPE,
            f"the image is {picture.width} x {picture.height} pixels (width x height); "
            f"the model takes {width} x {height}: scale it to that before it is sent",
        )
    return None


def _take_picture(picture: Image.Image, spec: InputSpec) -> Decoded | DecodeFailure:
    height, width, channels = spec.shape
    try:
        picture.load()
        upright = turned_upright(picture) if spec.resize == "bilinear" else picture
        coloured = recoloured(upright, "L" if channels == 1 else "RGB")
        if coloured.size != (width, height):
            coloured = coloured.resize((width, height), Image.Resampling.BILINEAR)
        pixels = np.asarray(coloured, dtype=np.uint8)
    except PILLOW_ERRORS:
        return DecodeFailure(
            ErrorCode.TRUNCATED_IMAGE, f"the {picture.format} data is cut short or damaged"
        )
    return Decoded(pixels.reshape(1, *spec.shape), is_batch=False)


def turned_upright(picture: Image.Image) -> Image.Image:
    """Turned as its EXIF orientation says. Only where pictures are scaled anyway: where a model
    takes exact pixels, the pixels are the message."""
    try:
        orientation = picture.getexif().get(ExifTags.Base.Orientation)
    except PILLOW_ERRORS:
        return picture  # unreadable metadata is no reason to refuse readable pixels
    turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return picture if turn is None else picture.transpose(turn)


def recoloured(picture: Image.Image, mode: str) -> Image.Image:
    """To grey or RGB. 16-bit grey keeps its high byte (Pillow alone would clip it to white)."""
    if picture.mode.startswith("I"):
        high_bytes = np.asarray(picture, dtype=np.int64).clip(0, 0xFFFF) >> 8
        return Image.fromarray(high_bytes.astype(np.uint8)).convert(mode)
    if picture.has_transparency_data:
        # On black: what is transparent sends no light, and black is what a model has seen around
        # its objects. Dropping alpha instead would show the colours that hide below it.
        layered = picture.convert("RGBA")
        ground = Image.new("RGBA", layered.size, (0, 0, 0, 255))
        return Image.alpha_composite(ground, layered).convert(mode)
    return picture.convert(mode)


def _unreadable_header(payload: bytes) -> DecodeFailure:
    is_png = payload.startswith(PNG_MAGIC)
    name, end = ("PNG", b"IEND") if is_png else ("JPEG", b"\xff\xd9")
    if end not in payload:
        return DecodeFailure(ErrorCode.TRUNCATED_IMAGE, f"the {name} data is cut short")
    return DecodeFailure(
        ErrorCode.NOT_AN_IMAGE, f"the payload begins like {name}, but its header is not {name}'s"
    )


def _text(shape: tuple[int, ...]) -> str:
    return "x".join(str(length) for length in shape) or "()"


def encode_image(image: "ImageSource") -> bytes:
    """An image as the payload of a request (the client's side of the codec).

    A path's bytes and bytes themselves go as they are: the cluster judges them. An array must be
    uint8, (h, w), (h, w, c) or a batch (n, h, w[, c]), and becomes `.npy`. A Pillow image becomes
    PNG. Raises `ImageError` for a file that cannot be read and for what is no image at all.
    """
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image)
    if isinstance(image, str | PathLike):
        return _read_file(Path(image))
    if isinstance(image, np.ndarray):
        return _encode_array(image)
    if isinstance(image, Image.Image):
        return _encode_picture(image)
    raise ImageError(
        f"a {type(image).__name__} is no image: give a path, bytes, a uint8 array or a Pillow image"
    )


ImageSource = str | PathLike[str] | bytes | bytearray | memoryview | Images | Image.Image


def _read_file(path: Path) -> bytes:
    try:
        payload = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ImageError(f"{path}: cannot be read ({reason})") from error
    if not payload:
        raise ImageError(f"{path}: is empty")
    return payload


def _encode_array(array: Images) -> bytes:
    if array.dtype != np.uint8:
        raise ImageError(f"an array of dtype {array.dtype}: scale it to 0..255 and make it uint8")
    if array.ndim not in (2, 3, 4) or array.size == 0:
        raise ImageError(f"an array of shape {_text(array.shape)} is neither image nor batch")
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def _encode_picture(picture: Image.Image) -> bytes:
    if picture.mode not in ("1", "L", "LA", "I;16", "P", "RGB", "RGBA"):
        picture = picture.convert("RGB")  # what PNG cannot hold: CMYK, YCbCr, LAB, HSV, float
    buffer = io.BytesIO()
    try:
        picture.save(buffer, format="PNG")
    except PILLOW_ERRORS as error:
        raise ImageError(f"the Pillow image cannot be written as PNG ({error})") from error
    return buffer.getvalue()
