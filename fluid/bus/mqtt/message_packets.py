"""PUBLISH and PUBACK as bytes (MQTT 5, sections 3.3 and 3.4): what comes with each image.

Pure. All other packets are paho's. It would do these as well, at ten times the cost: an object with
a table of all properties for each packet, and locks for threads that do not exist here.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache

from fluid.bus.protocol import Delivered, Message

PUBLISH, PUBACK = 0x30, 0x40  # the upper half of the first byte

_PAYLOAD_FORMAT, _EXPIRY, _CONTENT_TYPE = 0x01, 0x02, 0x03
_RESPONSE_TOPIC, _CORRELATION, _SUBSCRIPTION, _USER = 0x08, 0x09, 0x0B, 0x26

_RETAIN, _DUPLICATE = 0x01, 0x08
_LENGTH = struct.Struct(">H")
_MOST_LENGTH_BYTES = 4


class PacketError(Exception):
    """Bytes that are no MQTT 5: the connection is of no use any more."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A PUBACK."""

    packet_id: int
    reason: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A PUBLISH but for its packet identifier, which goes between `head` and `tail`; at QoS 0
    there is none."""

    head: bytes
    tail: bytes
    qos: int

    @property
    def size_bytes(self) -> int:
        """Of the whole packet, which a Maximum Packet Size is about."""
        return len(self.head) + len(self.tail) + (2 if self.qos else 0)

    def packet(self, packet_id: int) -> bytes:
        if not self.qos:
            return self.head + self.tail
        return b"".join((self.head, _LENGTH.pack(packet_id), self.tail))


def encode(message: Message) -> Outgoing:
    """A message that `fluid.bus.rules` allows."""
    properties = _encode_properties(message)
    topic = _text(message.topic)
    length_of_properties = variable(len(properties))
    remaining = len(topic) + len(length_of_properties) + len(properties) + len(message.payload)
    remaining += 2 if message.qos else 0
    first = PUBLISH | message.qos << 1 | (_RETAIN if message.retain else 0)
    return Outgoing(
        b"".join((bytes((first,)), variable(remaining), topic)),
        b"".join((length_of_properties, properties, message.payload)),
        message.qos,
    )


def acknowledgement(packet_id: int) -> bytes:
    """A PUBACK with reason 0, which need not be written."""
    return bytes((PUBACK, 2)) + _LENGTH.pack(packet_id)


def decode_publish(data: bytes, begin: int, end: int, *, first: int) -> Delivered:
    """The message of a PUBLISH whose body is data[begin:end]; raises `PacketError`."""
    try:
        return _decode_publish(data, begin, end, first)
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise PacketError(f"a PUBLISH that cannot be read: {error}") from None


def decode_acknowledgement(data: bytes, begin: int, end: int) -> Acknowledged:
    """What a PUBACK with this body says; raises `PacketError`."""
    if end - begin < _LENGTH.size:
        raise PacketError("a PUBACK without a packet identifier")
    reason = data[begin + 2] if end - begin > _LENGTH.size else 0
    return Acknowledged(data[begin] << 8 | data[begin + 1], reason)


def read_variable(data: bytes, at: int) -> tuple[int, int]:
    """A variable byte integer (section 1.5.5), and where it ends; raises IndexError where `data`
    ends before, and `PacketError` for one that is too long."""
    number = data[at]
    if number < 0x80:
        return number, at + 1
    number &= 0x7F
    for place in range(1, _MOST_LENGTH_BYTES):
        byte = data[at + place]
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, at + place + 1
    raise PacketError("a length of more than four bytes")


def variable(number: int) -> bytes:
    """As a variable byte integer."""
    if number < 0x80:
        return bytes((number,))
    data = bytearray()
    while number >= 0x80:
        data.append(number & 0x7F | 0x80)
        number >>= 7
    data.append(number)
    return bytes(data)


def _decode_publish(data: bytes, begin: int, end: int, first: int) -> Delivered:
    qos = first >> 1 & 3
    at = begin + 2 + (data[begin] << 8 | data[begin + 1])
    topic = data[begin + 2 : at].decode()
    packet_id = 0
    if qos:
        packet_id = data[at] << 8 | data[at + 1]
        at += 2
    length, at = read_variable(data, at)
    payload_at = at + length
    if payload_at > end:
        raise PacketError("a PUBLISH whose properties are longer than itself")
    properties = _Properties()
    while at < payload_at:
        at = properties.read(data, at)
    if at != payload_at:
        raise PacketError("a PUBLISH with a property that is cut short")
    message = Message(
        topic,
        data[payload_at:end],
        qos,
        bool(first & _RETAIN),
        properties.response_topic,
        properties.correlation,
        properties.user,
        properties.expiry_s,
    )
    return Delivered(message, packet_id, bool(first & _DUPLICATE), properties.subscription_ids)


class _Properties:
    """Those of a PUBLISH that mean something to us (section 3.3.2.3)."""

    __slots__ = ("correlation", "expiry_s", "response_topic", "subscription_ids", "user")

    def __init__(self) -> None:
        self.response_topic: str | None = None
        self.correlation: bytes | None = None
        self.expiry_s: int | None = None
        self.user: tuple[tuple[str, str], ...] = ()
        self.subscription_ids: tuple[int, ...] = ()

    def read(self, data: bytes, at: int) -> int:
        """Take in the property that begins there; where it ends."""
        kind = data[at]
        at += 1
        if kind == _CORRELATION:
            self.correlation, at = _binary(data, at)
        elif kind == _RESPONSE_TOPIC:
            self.response_topic, at = _read_text(data, at)
        elif kind == _USER:
            name, at = _read_text(data, at)
            value, at = _read_text(data, at)
            self.user += ((name, value),)
        elif kind == _SUBSCRIPTION:
            identifier, at = read_variable(data, at)
            self.subscription_ids += (identifier,)
        elif kind == _EXPIRY:
            self.expiry_s = int.from_bytes(data[at : at + 4], "big")
            at += 4
        elif kind == _CONTENT_TYPE:
            _, at = _binary(data, at)
        elif kind == _PAYLOAD_FORMAT:
            at += 1
        else:  # a topic alias among them, which we have not allowed
            raise PacketError(f"a PUBLISH with the property {kind:#04x}")
        return at


def _encode_properties(message: Message) -> bytes:
    parts: list[bytes] = []
    if message.response_topic is not None:
        parts += (bytes((_RESPONSE_TOPIC,)), _text(message.response_topic))
    if message.correlation is not None:
        parts += (bytes((_CORRELATION,)), _LENGTH.pack(len(message.correlation)))
        parts.append(message.correlation)
    for name, value in message.user_properties:
        parts += (bytes((_USER,)), _text(name), _text(value))
    if message.expiry_s is not None:
        parts += (bytes((_EXPIRY,)), message.expiry_s.to_bytes(4, "big"))
    return b"".join(parts)


def _binary(data: bytes, at: int) -> tuple[bytes, int]:
    end = at + 2 + (data[at] << 8 | data[at + 1])
    return data[at + 2 : end], end


def _read_text(data: bytes, at: int) -> tuple[str, int]:
    text, end = _binary(data, at)
    return text.decode(), end


@lru_cache(maxsize=256)  # topics come again and again
def _text(text: str) -> bytes:
    data = text.encode()
    return _LENGTH.pack(len(data)) + data
