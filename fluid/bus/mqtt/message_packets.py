"""PUBLISH and PUBACK as bytes (MQTT 5, sections 3.3 and 3.4): what comes with each image.

Pure. All other packets are paho's. It would do these as well, at ten times the cost: an object with
a table of all properties for each packet, and locks for threads that do not exist here.

`encode` and `decode_publish` are for whoever has messages. What they are made of is there for the
benchmark's load generator, which writes and reads the same packets and has none.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache

from fluid.bus.protocol import Delivered, Message

PUBLISH, PUBACK = 0x30, 0x40  # the upper half of the first byte

_PAYLOAD_FORMAT, _EXPIRY, _CONTENT_TYPE = 0x01, 0x02, 0x03
_RESPONSE_TOPIC, _CORRELATION, _SUBSCRIPTION, _USER = 0x08, 0x09, 0x0B, 0x26

_RETAIN, _QOS, _QOS_1, _DUPLICATE = 0x01, 0x06, 0x02, 0x08
_LENGTH = struct.Struct(">H")
_KIND_AND_LENGTH = struct.Struct(">BH")
_MOST_LENGTH_BYTES = 4
_MOST_REMEMBERED = 256  # characters


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
    first = PUBLISH | message.qos << 1 | (_RETAIN if message.retain else 0)
    parts = publish_parts(first, text(message.topic), encode_properties(message), message.payload)
    return Outgoing(*parts, message.qos)


def publish_parts(
    first: int, topic: bytes, properties: bytes, payload: bytes
) -> tuple[bytes, bytes]:
    """The head and the tail of a PUBLISH, see `Outgoing`. first: its first byte. topic: as `text`
    has it. properties: without their length."""
    length_of_properties = variable(len(properties))
    remaining = len(topic) + len(length_of_properties) + len(properties) + len(payload)
    remaining += 2 if first & _QOS else 0
    return (
        b"".join((bytes((first,)), variable(remaining), topic)),
        b"".join((length_of_properties, properties, payload)),
    )


def acknowledgement(packet_id: int) -> bytes:
    """A PUBACK with reason 0, which need not be written."""
    return bytes((PUBACK, 2)) + _LENGTH.pack(packet_id)


def decode_publish(data: bytes, begin: int, end: int, *, first: int) -> Delivered:
    """The message of a PUBLISH whose body is data[begin:end]; raises `PacketError`."""
    topic_end, packet_id, properties, payload_at = open_publish(data, begin, end, first=first)
    try:
        topic = data[begin + 2 : topic_end].decode()
    except UnicodeDecodeError as error:
        raise _unreadable(error) from None
    message = Message(
        topic,
        data[payload_at:end],
        first >> 1 & 3,
        bool(first & _RETAIN),
        properties.response_topic,
        properties.correlation,
        properties.user,
        properties.expiry_s,
    )
    return Delivered(message, packet_id, bool(first & _DUPLICATE), properties.subscription_ids)


def open_publish(
    data: bytes, begin: int, end: int, *, first: int
) -> "tuple[int, int, Properties, int]":
    """Of a PUBLISH whose body is data[begin:end]: where its topic ends, its packet identifier (0 at
    QoS 0), its properties, and where its payload begins; raises `PacketError`."""
    try:
        topic_end = at = begin + 2 + (data[begin] << 8 | data[begin + 1])
        packet_id = 0
        if first & _QOS:
            packet_id = data[at] << 8 | data[at + 1]
            at += 2
            if first & _QOS != _QOS_1 or not packet_id:
                raise PacketError("a PUBLISH that cannot be acknowledged by a PUBACK")
        length, at = read_variable(data, at)
        payload_at = at + length
        if payload_at > end:
            raise PacketError("a PUBLISH whose properties are longer than itself")
        properties = Properties()
        while at < payload_at:
            at = properties.read(data, at)
    except (IndexError, UnicodeDecodeError) as error:
        raise _unreadable(error) from None
    if at != payload_at:
        raise PacketError("a PUBLISH with a property that is cut short")
    return topic_end, packet_id, properties, payload_at


def decode_acknowledgement(data: bytes, begin: int, end: int) -> Acknowledged:
    """What a PUBACK with this body says; raises `PacketError`."""
    if end - begin < _LENGTH.size:
        raise PacketError("a PUBACK without a packet identifier")
    reason = data[begin + 2] if end - begin > _LENGTH.size else 0
    return Acknowledged(data[begin] << 8 | data[begin + 1], reason)


def packet_body(data: bytes, begin: int) -> tuple[int, int] | None:
    """Where the packet at `begin` has its body and its end, whether it is there or not; None if
    its length is not there yet. Raises `PacketError` for what cannot be a packet."""
    try:
        length, body = read_variable(data, begin + 1)
    except IndexError:
        return None
    if data[begin] < 0x10:
        raise PacketError("a packet of type 0")
    return body, body + length


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


class Properties:
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


def encode_properties(message: Message) -> bytes:
    """Those of a message, without their length."""
    parts: list[bytes] = []
    if message.response_topic is not None:
        parts += (bytes((_RESPONSE_TOPIC,)), text(message.response_topic))
    if message.correlation is not None:
        parts.append(encode_correlation(message.correlation))
    for name, value in message.user_properties:
        parts += (bytes((_USER,)), text(name), text(value))
    if message.expiry_s is not None:
        parts += (bytes((_EXPIRY,)), message.expiry_s.to_bytes(4, "big"))
    return b"".join(parts)


def encode_correlation(data: bytes) -> bytes:
    """As a property."""
    return _KIND_AND_LENGTH.pack(_CORRELATION, len(data)) + data


def _unreadable(error: Exception) -> PacketError:
    return PacketError(f"a PUBLISH that cannot be read: {error}")


def _binary(data: bytes, at: int) -> tuple[bytes, int]:
    end = at + 2 + (data[at] << 8 | data[at + 1])
    return data[at + 2 : end], end


def _read_text(data: bytes, at: int) -> tuple[str, int]:
    binary, end = _binary(data, at)
    return binary.decode(), end


def text(string: str) -> bytes:
    """As a UTF-8 encoded string (section 1.5.4)."""
    return _remembered(string) if len(string) <= _MOST_REMEMBERED else _text(string)


def _text(string: str) -> bytes:
    data = string.encode()
    return _LENGTH.pack(len(data)) + data


# Topics come again and again; but requesters choose what they are answered on, up to 64 KB of it.
_remembered = lru_cache(maxsize=256)(_text)
