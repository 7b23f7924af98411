"""The header of an `.npy` array, read without trusting it.

NumPy's own reader evaluates the header as a Python literal, which may raise about anything on
hostile bytes, and it allocates what the header promises. Requests hold plain uint8 arrays only,
so a small grammar covers every writer of them, and reading it cannot fail in more ways than
`UnreadableHeader`. Format: the module docstring of `numpy.lib.format`, versions 1.0 to 3.0.
"""

import math
import re
import struct
from dataclasses import dataclass
from functools import lru_cache

NPY_MAGIC = b"\x93NUMPY"

# NumPy writes 118 bytes for any image; other writers pad a little differently.
MAX_HEADER_BYTES = 1024

_VERSION_END = len(NPY_MAGIC) + 2
_LENGTH_FIELDS = {
    b"\x01\x00": struct.Struct("<H"),
    b"\x02\x00": struct.Struct("<I"),
    b"\x03\x00": struct.Struct("<I"),
}

_DESCR = re.compile(r"""['"]descr['"]\s*:\s*['"]([^'"]*)['"]""")
_FORTRAN_ORDER = re.compile(r"""['"]fortran_order['"]\s*:\s*(True|False)""")
_SHAPE = re.compile(r"""['"]shape['"]\s*:\s*\(([0-9,\s]*)\)""")


@dataclass(frozen=True, slots=True)
class NpyHeader:
    """What an array claims to be. data_offset: where its bytes begin in the file."""

    dtype: str
    shape: tuple[int, ...]
    fortran_order: bool
    data_offset: int

    @property
    def is_uint8(self) -> bool:
        return self.dtype.lstrip("|<>=") == "u1"

    @property
    def size(self) -> int:
        """How many elements the shape promises."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class UnreadableHeader:
    """Why no header could be read, in one line."""

    reason: str


def read_npy_header(data: bytes) -> NpyHeader | UnreadableHeader:
    """The header of bytes that begin with NPY_MAGIC; never raises."""
    length_field = _LENGTH_FIELDS.get(data[len(NPY_MAGIC) : _VERSION_END])
    if length_field is None:
        return UnreadableHeader("the format version is not 1.0, 2.0 or 3.0")
    text_start = _VERSION_END + length_field.size
    if len(data) < text_start:
        return UnreadableHeader("the header is cut short")
    (text_length,) = length_field.unpack_from(data, _VERSION_END)
    if text_length > MAX_HEADER_BYTES:
        return UnreadableHeader(f"a header of {text_length} bytes is too long for an image")
    data_offset = text_start + text_length
    if len(data) < data_offset:
        return UnreadableHeader("the header is cut short")
    return _parse(data[text_start:data_offset], data_offset)


@lru_cache(maxsize=64)  # whoever sends images sends many of one shape; a header is short
def _parse(header: bytes, data_offset: int) -> NpyHeader | UnreadableHeader:
    text = header.decode("latin-1")
    descr, order, shape = (field.search(text) for field in (_DESCR, _FORTRAN_ORDER, _SHAPE))
    if descr is None or order is None or shape is None:
        return UnreadableHeader("the header does not describe a plain array")
    lengths = [length.strip() for length in shape[1].split(",")]
    if lengths[-1] == "":  # a Python tuple may end with a comma, and "()" has no length at all
        lengths.pop()
    if not all(length.isdecimal() for length in lengths):
        return UnreadableHeader("the header's shape is not a tuple of numbers")
    return NpyHeader(
        dtype=descr[1],
        shape=tuple(int(length) for length in lengths),
        fortran_order=order[1] == "True",
        data_offset=data_offset,
    )
