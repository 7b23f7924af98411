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
from fluid.messages.inference import BUNDLE_BYTES
from fluid.topics import is_agent_id

_HEAD = struct.Struct("<16s8sHBIIB")
_IN_TURN = 1


@dataclass(frozen=True, slots=True, eq=False)
class Feature:
    """What one stage yielded for a request, for a device that reads it.

    key: the request (see `request_key`). sender: the id of the agent that hands it over. bundle:
    hex digest of the sender's bundle, of which 8 bytes travel. stage: index into the manifest's
    stages, of the one that yielded it. values: int8 (images, values an image). in_turn: it is said
    for the first time, when its sender came to the request in the order of its queue.
    """

    key: bytes
    sender: str
    bundle: str
    stage: int
    values: NDArray[np.int8]
    in_turn: bool = False

    def is_of_bundle(self, digest: str) -> bool:
        """Whether sender and reader serve the same bundle."""
        return digest.startswith(self.bundle[: 2 * BUNDLE_BYTES])

    @property
    def size_bytes(self) -> int:
        """Of its values."""
        return self.values.nbytes


def encode_features(features: Iterable[Feature]) -> bytes:
    return b"".join(part for feature in features for part in _encode(feature))


def decode_features(payload: bytes) -> tuple[Feature, ...] | Malformed:
    """The feature maps in a payload. Their values are copies: whoever keeps one of them does not
    keep the payload, with all the others in it."""
    features = []
    offset = 0
    while offset < len(payload):
        if len(payload) - offset < _HEAD.size:
            return Malformed("feature record cut short in its head")
        head = _HEAD.unpack_from(payload, offset)
        key, bundle, stage, flags, images, values_an_image, sender_length = head
        start = offset + _HEAD.size + sender_length
        count = images * values_an_image
        if count == 0 or len(payload) - start < count:
            return Malformed("feature record cut short in its values")
        sender = payload[start - sender_length : start].decode("ascii", errors="replace")
        if not is_agent_id(sender):
            return Malformed("feature record whose sender is no agent id")
        values = np.frombuffer(payload, np.int8, count, start).reshape(images, values_an_image)
        in_turn = bool(flags & _IN_TURN)
        features.append(Feature(key, sender, bundle.hex(), stage, values.copy(), in_turn))
        offset = start + count
    return tuple(features)


def _encode(feature: Feature) -> tuple[bytes, bytes, bytes]:
    images, values_an_image = feature.values.shape
    sender = feature.sender.encode()
    head = _HEAD.pack(
        feature.key,
        bytes.fromhex(feature.bundle[: 2 * BUNDLE_BYTES]),
        feature.stage,
        _IN_TURN if feature.in_turn else 0,
        images,
        values_an_image,
        len(sender),
    )
    return head, sender, feature.values.tobytes()
