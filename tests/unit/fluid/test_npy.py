import io
import struct
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fluid.npy import MAX_HEADER_BYTES, NPY_MAGIC, NpyHeader, UnreadableHeader, read_npy_header


def with_header(text: bytes, version: bytes = b"\x01\x00") -> bytes:
    length = struct.pack("<H" if version == b"\x01\x00" else "<I", len(text))
    return NPY_MAGIC + version + length + text


@given(
    st.sampled_from([(1, 0), (2, 0), (3, 0)]),
    hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=3),
    st.sampled_from(["C", "F"]),
)
def test_reads_what_numpy_writes(
    version: tuple[int, int], shape: tuple[int, ...], order: str
) -> None:
    array = np.asarray(np.zeros(shape, np.uint8), order="F" if order == "F" else "C")
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=version)
    header = read_npy_header(buffer.getvalue())
    assert isinstance(header, NpyHeader)
    assert header.is_uint8
    assert header.shape == shape
    assert header.size == array.size == len(buffer.getvalue()) - header.data_offset


@pytest.mark.parametrize("descr", ["|u1", "<u1", "u1"])
def test_reads_the_keys_in_any_order_and_quotes(descr: str) -> None:
    text = f'{{"shape":(2,3),"fortran_order":True,"descr":"{descr}"}}'
    header = read_npy_header(with_header(text.encode()))
    assert isinstance(header, NpyHeader)
    assert (header.shape, header.fortran_order, header.is_uint8) == ((2, 3), True, True)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"{'descr': '|u1', 'fortran_order': False}",
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (2 3)}",
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (,2)}",
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (-2, 3)}",
        b"{'descr': '|u1', 'fortran_order': 0, 'shape': (2, 3)}",
        b"{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (2, 3)}",
    ],
)
def test_a_header_of_no_plain_array_is_unreadable(text: bytes) -> None:
    assert isinstance(read_npy_header(with_header(text)), UnreadableHeader)


def test_a_header_longer_than_any_image_needs_is_not_read() -> None:
    header = read_npy_header(with_header(b" " * (MAX_HEADER_BYTES + 1)))
    assert isinstance(header, UnreadableHeader)
    assert "too long" in header.reason


@pytest.mark.parametrize("version", [b"\x00\x00", b"\x04\x00", b"\x01\x01", b"\x01"])
def test_an_unknown_format_version_is_unreadable(version: bytes) -> None:
    assert isinstance(read_npy_header(NPY_MAGIC + version), UnreadableHeader)


@given(st.binary(max_size=80), st.sampled_from([b"\x01\x00", b"\x02\x00", b"\x03\x00"]))
def test_reading_arbitrary_bytes_never_raises(rest: bytes, version: bytes) -> None:
    header = read_npy_header(NPY_MAGIC + version + rest)
    assert isinstance(header, NpyHeader | UnreadableHeader)


@pytest.mark.parametrize("filling", [b"1", b"1,", b" ", b"'shape':(", b"'descr':"])
def test_a_hostile_header_costs_no_time(filling: bytes) -> None:
    start = b"{'descr':'|u1','fortran_order':False,'shape':("
    text = (start + filling * MAX_HEADER_BYTES)[:MAX_HEADER_BYTES]
    used_s = time.process_time()
    header = read_npy_header(with_header(text))
    used_s = time.process_time() - used_s
    assert isinstance(header, UnreadableHeader)
    assert used_s < 1.0  # of this process's own CPU; a pattern that backtracks takes minutes
