"""Records that follow one another without a frame: what all kinds of them have in common.

A record is a head of fixed size, the id of the agent that sends it, and an array of numbers. Any
head begins with the request's key, the first bytes of the bundle's digest and a stage's index, has
the array's two dimensions, and ends with the length of the id. What else is in it, and what the
numbers mean, is up to each kind: `inference.py` and `features.py`.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluid.messages.control import Malformed
from fluid.topics import is_agent_id

KEY_BYTES = 16
BUNDLE_BYTES = 8
# Senders are few, and come again in each record; names that others make up are not kept for long.
_MOST_SENDERS = 256


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What one stage yielded for a request, on its way to another device.

    key: the request (see `request_key`). sender: the id of the agent that hands it over. bundle:
    hex digest of the sender's bundle, of which 8 bytes travel. stage: index into the manifest's
    stages, of the one that yielded it.
    """

    key: bytes
    sender: str
    bundle: str
    stage: int

    def is_of_bundle(self, digest: str) -> bool:
        """Whether sender and reader serve the same bundle."""
        return digest.startswith(self.bundle[: 2 * BUNDLE_BYTES])


@dataclass(frozen=True, slots=True)
class Layout:
    """How the records of one kind lie in a payload, all numbers little-endian.

    kind, values: what a record and its array are called. head: its format. shape_at: which of the
    head's fields are the array's dimensions. dtype: of the array.
    """

    kind: str
    values: str
    head: struct.Struct
    shape_at: tuple[int, int]
    dtype: np.dtype[Any]

    def split(self, payload: bytes) -> list[tuple[tuple[Any, ...], str, NDArray[Any]]] | Malformed:
        """The head's fields, the sender and the array of each record; the arrays are views of the
        payload. None is empty."""
        head, dtype = self.head, self.dtype
        rows_at, columns_at = self.shape_at
        records = []
        size, offset = len(payload), 0
        while offset < size:
            id_at = offset + head.size
            if id_at > size:
                return Malformed(f"{self.kind} record cut short in its head")
            fields = head.unpack_from(payload, offset)
            rows, columns = fields[rows_at], fields[columns_at]
            start = id_at + fields[-1]
            count = rows * columns
            offset = start + count * dtype.itemsize
            if count == 0 or offset > size:
                return Malformed(f"{self.kind} record cut short in its {self.values}")
            sender = _agent_id(payload[id_at:start])
            if sender is None:
                return Malformed(f"{self.kind} record whose sender is no agent id")
            values = np.frombuffer(payload, dtype, count, start).reshape(rows, columns)
            records.append((fields, sender, values))
        return records


@lru_cache(_MOST_SENDERS)
def _agent_id(name: bytes) -> str | None:
    sender = name.decode("ascii", errors="replace")
    return sender if is_agent_id(sender) else None
