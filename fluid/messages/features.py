"""Feature maps on their way between devices, as bytes: of networks that are cut at every layer.

Records follow one another without a frame, so that several can share one MQTT message. The int8
values travel as the stage yielded them, without a scale: the stage that writes a map and those that
read it agree on that. Nor does a shape travel: those stages know it. All numbers are
little-endian.

    feature: key 16 | bundle 8 | stage index u16 | flags u8 | images u32 | values an image u32
             | sender length u8 | sender, an agent id | int8 values

    flags: 1, in turn: said once, when its sender came to the request in the order of its queue
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fluid.messages.control import Malformed
from fluid.messages.records import BUNDLE_BYTES, Layout, Record

_LAYOUT = Layout("feature", "values", struct.Struct("<16s8sHBIIB"), (4, 5), np.dtype(np.int8))
_IN_TURN = 1


@dataclass(frozen=True, slots=True, eq=False)
class Feature(Record):
    """What one stage yielded for a request, for a device that reads it.

    Beside what any record has: values: int8 (images, values an image). in_turn: it is said for the
    first time, when its sender came to the request in the order of its queue.
    """

    values: NDArray[np.int8]
    in_turn: bool = False

    @property
    def size_bytes(self) -> int:
        """Of its values."""
        return self.values.nbytes


def encode_features(features: Iterable[Feature]) -> bytes:
    return b"".join(part for feature in features for part in _encode(feature))


def decode_features(payload: bytes) -> tuple[Feature, ...] | Malformed:
    """The feature maps in a payload. Their values are copies: whoever keeps one of them does not
    keep the payload, with all the others in it."""
    records = _LAYOUT.split(payload)
    if isinstance(records, Malformed):
        return records
    features = [
        Feature(key, sender, bundle.hex(), stage, values.copy(), flags & _IN_TURN != 0)
        for (key, bundle, stage, flags, _, _, _), sender, values in records
    ]
    return tuple(features)


def _encode(feature: Feature) -> tuple[bytes, bytes, bytes]:
    images, values_an_image = feature.values.shape
    sender = feature.sender.encode()
    head = _LAYOUT.head.pack(
        feature.key,
        bytes.fromhex(feature.bundle[: 2 * BUNDLE_BYTES]),
        feature.stage,
        _IN_TURN if feature.in_turn else 0,
        images,
        values_an_image,
        len(sender),
    )
    return head, sender, feature.values.tobytes()
