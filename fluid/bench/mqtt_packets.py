"""MQTT 5 for the load generator: the bus's packets, without the bus. Pure.

The generator shares the machine with the devices that it loads, so what it spends on an image is
taken from what can be measured. The client library keeps futures, resends and checks what it
reads, and the bus makes a value of each message; none of that is wanted here. So PUBLISH and PUBACK
are put together and taken apart with what the bus has for them, and the few packets that come once
a stream are written here, as they are paho's on the bus. Only for a broker of one's own: a packet
that breaks the protocol raises `PacketError`.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from fluid.bus import Message
from fluid.bus.mqtt.message_packets import (
    PUBACK,
    PUBLISH,
    PacketError,
    decode_acknowledgement,
    encode_correlation,
    encode_properties,
    open_publish,
    packet_body,
    publish_parts,
    text,
    variable,
)
from fluid.bus.protocol import REASON_FIRST_FAILURE

_CONNECT, _CONNACK, _SUBSCRIBE, _SUBACK, _DISCONNECT = 0x10, 0x20, 0x82, 0x90, 0xE0
_PUBLISH_QOS1 = PUBLISH | 0x02
_IDENTIFIER = struct.Struct(">H")

_MOST_IDENTIFIERS = 65_535


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
    body = text("MQTT") + bytes((5, 0x02)) + b"\0\0" + b"\0" + text(client_id)
    return bytes((_CONNECT,)) + variable(len(body)) + body


def subscribe(topic: str) -> bytes:
    """At QoS 1, as the client library does."""
    body = _IDENTIFIER.pack(1) + b"\0" + text(topic) + b"\x01"
    return bytes((_SUBSCRIBE,)) + variable(len(body)) + body


def disconnect() -> bytes:
    return bytes((_DISCONNECT, 0))


class Publisher:
    """Makes PUBLISH packets at QoS 1 that differ in correlation data and payload alone."""

    def __init__(
        self, topic: str, *, response_topic: str, user_properties: tuple[tuple[str, str], ...]
    ) -> None:
        alike = Message(topic, b"", response_topic=response_topic, user_properties=user_properties)
        self._topic = text(topic)
        self._properties = encode_properties(alike)
        self._last_identifier = 0

    def packet(self, correlation: bytes, payload: bytes) -> bytes:
        self._last_identifier = self._last_identifier % _MOST_IDENTIFIERS + 1
        properties = self._properties + encode_correlation(correlation)
        head, tail = publish_parts(_PUBLISH_QOS1, self._topic, properties, payload)
        return b"".join((head, _IDENTIFIER.pack(self._last_identifier), tail))


class PacketReader:
    """Cuts a stream of bytes into packets. What the generator has no use for is passed over."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[Packet]:
        """The packets that are whole with `data`; raises `PacketError`."""
        buffer = self._buffer + data
        begin = 0
        while (found := packet_body(buffer, begin)) is not None:
            body, end = found
            if end > len(buffer):
                break
            packet = _read(buffer, body, end, first=buffer[begin])
            begin = end
            if packet is not None:
                yield packet
        self._buffer = buffer[begin:]


def _read(data: bytes, begin: int, end: int, *, first: int) -> Packet | None:
    kind = first & 0xF0
    if kind == PUBLISH:
        _, identifier, properties, payload_at = open_publish(data, begin, end, first=first)
        return Answered(properties.correlation or b"", data[payload_at:end], identifier)
    if kind == PUBACK:
        reason = decode_acknowledgement(data, begin, end).reason
        if reason >= REASON_FIRST_FAILURE:
            raise PacketError(f"the broker refuses a publish (reason {reason:#04x})")
        return None
    if kind in (_CONNACK, _SUBACK):
        reason = data[begin + 1] if kind == _CONNACK else data[end - 1]
        if reason >= REASON_FIRST_FAILURE:
            raise PacketError(f"the broker refuses the generator (reason {reason:#04x})")
        return Ready()
    if kind == _DISCONNECT:
        reason = data[begin] if end > begin else 0
        raise PacketError(f"the broker disconnects (reason {reason:#04x})")
    return None
