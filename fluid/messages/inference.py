"""Partial logits and done notices: the inner path of a request, as bytes.

Records follow one another without a frame, so that several can share one MQTT message. All
numbers are little-endian.

    partial: key 16 | bundle 8 | stage index u16 | images u32 | classes u16 | compute_us u32
             | sender length u8 | sender, an agent id | float32 logits, images x classes
    notice:  kind u8 | sender length u8 | sender | key 16 ...     (done, settled or unheard)
"""

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fluid.messages.control import Malformed
from fluid.messages.records import BUNDLE_BYTES, KEY_BYTES, Layout, Record
from fluid.topics import is_agent_id

_GREATEST_LOGIT = 1e9
_NOTICE_HEAD = struct.Struct("<BB")
_DONE, _SETTLED, _UNHEARD = range(3)
_LAYOUT = Layout("partial", "logits", struct.Struct("<16s8sHIHIB"), (3, 4), np.dtype("<f4"))


@dataclass(frozen=True, slots=True, eq=False)
class Partial(Record):
    """One device's share of an answer.

    Beside what any record has: logits: float32 (images, classes), all finite where they were
    decoded. compute_ms: what the sender's executor took for them.
    """

    logits: NDArray[np.float32]
    compute_ms: float = 0.0

    @property
    def size_bytes(self) -> int:
        """Of its logits."""
        return self.logits.nbytes


def request_key(*, reply_to: str, request_id: bytes, payload: bytes, wishes: bytes = b"") -> bytes:
    """16 bytes that name a request in the cluster.

    The content takes part, because clients that are not ours reuse correlation data; where the
    answer goes takes part, because two clients may choose the same id; and what else is asked for
    (`wishes`), because equal requests get the same answer.
    """
    digest = hashlib.blake2b(payload, digest_size=KEY_BYTES)
    lengths = struct.pack("<II", len(reply_to), len(request_id))
    digest.update(b"".join((lengths, reply_to.encode(), request_id, wishes)))
    return digest.digest()


def encode_partials(partials: Iterable[Partial]) -> bytes:
    return b"".join(_encode_partial(partial) for partial in partials)


def decode_partials(payload: bytes) -> tuple[Partial, ...] | Malformed:
    """The partials in a payload. Their logits are copies: whoever keeps one of them does not keep
    the payload, with all the others in it."""
    records = _LAYOUT.split(payload)
    if isinstance(records, Malformed):
        return records
    partials = []
    for (key, bundle, stage, _, _, compute_us, _), sender, received in records:
        logits = received.astype(np.float32)
        # Also false for NaN. What is added up must stay finite.
        if not (np.abs(logits) <= _GREATEST_LOGIT).all():
            return Malformed("partial record with a logit that is not finite")
        partials.append(Partial(key, sender, bundle.hex(), stage, logits, compute_us / 1000))
    return tuple(partials)


@dataclass(frozen=True, slots=True)
class Done:
    """Requests that were answered: whoever holds one lets go of one delivery of it.

    settled: said a second time, to a device that still waits although the answer was given
    before. It concerns only what is held now; a first notice may also be ahead of its request.
    """

    keys: tuple[bytes, ...]
    settled: bool = False

    def encode(self) -> bytes:
        return _encode_notice(_SETTLED if self.settled else _DONE, "", self.keys)


@dataclass(frozen=True, slots=True)
class Unheard:
    """Requests of which `sender` was handed a share, and which never reached it."""

    sender: str
    keys: tuple[bytes, ...]

    def encode(self) -> bytes:
        return _encode_notice(_UNHEARD, self.sender, self.keys)


def decode_notice(payload: bytes) -> Done | Unheard | Malformed:
    """Read what one device tells all others about requests."""
    malformed = Malformed(f"notice of {len(payload)} bytes")
    if len(payload) < _NOTICE_HEAD.size:
        return malformed
    kind, sender_length = _NOTICE_HEAD.unpack_from(payload)
    start = _NOTICE_HEAD.size + sender_length
    sender, keys = payload[_NOTICE_HEAD.size : start], payload[start:]
    if kind not in (_DONE, _SETTLED, _UNHEARD) or len(sender) < sender_length:
        return malformed
    if len(keys) % KEY_BYTES:
        return malformed
    name = sender.decode("ascii", errors="replace")
    if kind == _UNHEARD and not is_agent_id(name):
        return malformed
    split = tuple(keys[i : i + KEY_BYTES] for i in range(0, len(keys), KEY_BYTES))
    if kind == _UNHEARD:
        return Unheard(name, split)
    return Done(split, settled=kind == _SETTLED)


def _encode_notice(kind: int, sender: str, keys: tuple[bytes, ...]) -> bytes:
    name = sender.encode()
    return _NOTICE_HEAD.pack(kind, len(name)) + name + b"".join(keys)


def _encode_partial(partial: Partial) -> bytes:
    images, classes = partial.logits.shape
    sender = partial.sender.encode()
    head = _LAYOUT.head.pack(
        partial.key,
        bytes.fromhex(partial.bundle[: 2 * BUNDLE_BYTES]),
        partial.stage,
        images,
        classes,
        min(int(partial.compute_ms * 1000), 0xFFFFFFFF),
        len(sender),
    )
    return head + sender + partial.logits.astype("<f4", copy=False).tobytes()
