import struct

import numpy as np
import pytest

from fluid.messages import Malformed
from fluid.messages.records import KEY_BYTES, Layout, Record

# As small as a kind can be: nothing but what all have.
LAYOUT = Layout("test", "numbers", struct.Struct("<16s8sHBBB"), (3, 4), np.dtype("<i2"))
KEY, BUNDLE = bytes(range(KEY_BYTES)), b"12345678"


def packed(sender: bytes = b"pi-1", rows: int = 2, columns: int = 3) -> bytes:
    head = LAYOUT.head.pack(KEY, BUNDLE, 7, rows, columns, len(sender))
    return head + sender + np.arange(rows * columns, dtype="<i2").tobytes()


def test_records_are_told_apart_by_their_heads() -> None:
    records = LAYOUT.split(packed() + packed(b"b", 1, 1))
    assert isinstance(records, list)
    (first, sender, numbers), (second, other, one) = records
    assert (sender, other) == ("pi-1", "b")
    assert first == (KEY, BUNDLE, 7, 2, 3, 4)
    assert second == (KEY, BUNDLE, 7, 1, 1, 1)
    assert numbers.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert one.tolist() == [[0]]


def test_nothing_holds_no_records() -> None:
    assert LAYOUT.split(b"") == []


@pytest.mark.parametrize(
    ("size", "part"),
    [(1, "head"), (LAYOUT.head.size - 1, "head"), (LAYOUT.head.size, "numbers"), (-1, "numbers")],
)
def test_what_is_cut_short_is_said_by_its_name(size: int, part: str) -> None:
    for before in (b"", packed()):
        outcome = LAYOUT.split(before + packed()[:size])
        assert outcome == Malformed(f"test record cut short in its {part}")


@pytest.mark.parametrize(("rows", "columns"), [(0, 3), (2, 0)])
def test_a_record_without_numbers_is_malformed(rows: int, columns: int) -> None:
    outcome = LAYOUT.split(packed(rows=rows, columns=columns))
    assert outcome == Malformed("test record cut short in its numbers")


@pytest.mark.parametrize("sender", [b"", b"a/b", b"\xff", b"a" * 65])
def test_a_sender_must_be_able_to_name_an_agent(sender: bytes) -> None:
    for _ in range(2):  # what is remembered of a name is the same
        outcome = LAYOUT.split(packed(sender))
        assert outcome == Malformed("test record whose sender is no agent id")


def test_a_record_is_of_the_bundle_whose_digest_begins_alike() -> None:
    record = Record(KEY, "pi-1", "ab" * 8, 0)
    assert record.is_of_bundle("ab" * 32)
    assert record.is_of_bundle("ab" * 8 + "cd" * 24)
    assert not record.is_of_bundle("ab" * 7 + "cd" * 25)
