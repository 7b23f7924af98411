"""The few MQTT 5 packets that the load generator needs, as bytes. Pure.

The generator shares the machine with the devices that it loads, so what it spends on an image is
taken from what can be measured. The client library keeps futures, resends and checks what it
reads, none of which is wanted here. Only for a broker of one's own: a packet that breaks the
protocol raises `PacketError`.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_CONNECT, _CONNACK, _PUBLISH, _PUBACK, _SUBSCRIBE, _SUBACK = 0x10, 0x20, 0x30, 0x40, 0x82, 0x90
_DISCONNECT = 0xE0
_PUBLISH_QOS1 = 0x32
_FIRST_FAILURE = 0x80

_RESPONSE_TOPIC, _CORRELATION, _USER_PROPERTY = 0x08, 0x09, 0x26
# How long the values of the properties are that a PUBLISH from a broker may hold beside those.
_FIXED_LENGTHS = {0x01: 1, 0x02: 4, 0x23: 2}
_TEXTS = frozenset({0x03, _RESPONSE_TOPIC})
_SUBSCRIPTION_IDENTIFIER = 0x0B

_MOST_IDENTIFIERS = 65_535


class PacketError(Exception):
    """Bytes that are no MQTT 5, or a refusal."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A message on the subscribed topic. identifier: to acknowledge it; 0 at QoS 0."""

    correlation: bytes
    payload: bytes
    identifier: int


@dataclass(frozen=True, slots=True)
class Ready:
    """CONNACK or SUBACK, and neither refuses."""


Packet = Answered | Ready


def connect(client_id: str) -> bytes:
    """A clean session that ends with the connection, without keepalive."""
    body = _text("MQTT") + bytes((5, 0x02)) + struct.pack(">H", 0) + b"\x00" + _text(client_id)
    return bytes((_CONNECT,)) + _length(len(body)) + body


def subscribe(topic: str) -> bytes:
    """At QoS 1, as the client library does."""
    body = struct.pack(">H", 1) + b"\x00" + _text(topic) + b"\x01"
    return bytes((_SUBSCRIBE,)) + _length(len(body)) + body


def disconnect() -> bytes:
    return bytes((_DISCONNECT, 0))


def acknowledge(identifier: int) -> bytes:
    return struct.pack(">BBH", _PUBACK, 2, identifier)


class Publisher:
    """Makes PUBLISH packets at QoS 1 that differ in correlation data and payload alone."""

    def __init__(
        self, topic: str, *, response_topic: str, user_properties: tuple[tuple[str, str], ...]
    ) -> None:
        self._topic = _text(topic)
        self._properties = bytes((_RESPONSE_TOPIC,)) + _text(response_topic)
        for name, value in user_properties:
            self._properties += bytes((_USER_PROPERTY,)) + _text(name) + _text(value)
        self._properties += bytes((_CORRELATION,))
        self._last_identifier = 0

    def packet(self, correlation: bytes, payload: bytes) -> bytes:
        self._last_identifier = self._last_identifier % _MOST_IDENTIFIERS + 1
        properties = self._properties + struct.pack(">H", len(correlation)) + correlation
        head = self._topic + struct.pack(">H", self._last_identifier) + _length(len(properties))
        length = len(head) + len(properties) + len(payload)
        return b"".join((bytes((_PUBLISH_QOS1,)), _length(length), head, properties, payload))


class PacketReader:
    """Cuts a stream of bytes into packets. What the generator has no use for is passed over."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[Packet]:
        """The packets that are whole with `data`; raises `PacketError`."""
        buffer = self._buffer + data
        begin = 0
        while (found := _body(buffer, begin)) is not None:
            body, end = found
            packet = _read(buffer[begin], memoryview(buffer)[body:end])
            begin = end
            if packet is not None:
                yield packet
        self._buffer = buffer[begin:]


def _read(first: int, body: memoryview) -> Packet | None:
    kind = first & 0xF0
    if kind == _PUBLISH:
        return _read_publish(body, qos=first >> 1 & 3)
    if kind == _PUBACK:
        reason = body[2] if len(body) > 2 else 0
        if reason >= _FIRST_FAILURE:
            raise PacketError(f"the broker refuses a publish (reason {reason:#04x})")
        return None
    if kind in (_CONNACK, _SUBACK & 0xF0):
        reason = body[1] if kind == _CONNACK else body[-1]
        if reason >= _FIRST_FAILURE:
            raise PacketError(f"the broker refuses the generator (reason {reason:#04x})")
        return Ready()
    if kind == _DISCONNECT:
        raise PacketError(f"the broker disconnects (reason {body[0] if len(body) else 0:#04x})")
    return None


def _read_publish(body: memoryview, *, qos: int) -> Answered:
    place = 2 + _number(body, 0)
    identifier = _number(body, place) if qos else 0
    place += 2 if qos else 0
    length, place = _variable(body, place)
    end = place + length
    correlation = b""
    while place < end:
        kind = body[place]
        place += 1
        if kind == _CORRELATION:
            size = _number(body, place)
            correlation = bytes(body[place + 2 : place + 2 + size])
            place += 2 + size
        elif kind in _TEXTS:
            place += 2 + _number(body, place)
        elif kind == _USER_PROPERTY:
            place += 2 + _number(body, place)
            place += 2 + _number(body, place)
        elif kind == _SUBSCRIPTION_IDENTIFIER:
            _, place = _variable(body, place)
        elif kind in _FIXED_LENGTHS:
            place += _FIXED_LENGTHS[kind]
        else:
            raise PacketError(f"a message with the unknown property {kind:#04x}")
    return Answered(correlation, bytes(body[end:]), identifier)


def _body(buffer: bytes, begin: int) -> tuple[int, int] | None:
    """Where the packet at `begin` has its body, or None if it is not all there."""
    length = shift = 0
    for place in range(begin + 1, min(begin + 5, len(buffer))):
        length |= (buffer[place] & 0x7F) << shift
        shift += 7
        if not buffer[place] & 0x80:
            end = place + 1 + length
            return (place + 1, end) if end <= len(buffer) else None
    if len(buffer) >= begin + 5:
        raise PacketError("a packet of a length that MQTT does not have")
    return None


def _variable(body: memoryview, place: int) -> tuple[int, int]:
    """A variable byte integer, and where it ends."""
    number = shift = 0
    while True:
        number |= (body[place] & 0x7F) << shift
        shift += 7
        place += 1
        if not body[place - 1] & 0x80:
            return number, place


def _number(body: memoryview, place: int) -> int:
    return body[place] << 8 | body[place + 1]


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">H", len(data)) + data


def _length(number: int) -> bytes:
    """As a variable byte integer."""
    data = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        data.append(low | 0x80 if number else low)
        if not number:
            return bytes(data)
