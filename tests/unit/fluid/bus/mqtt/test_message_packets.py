"""Against paho's own packing where there is one, and byte by byte where MQTT 5 says what is due."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from fluid.bus import Delivered, Message
from fluid.bus.mqtt.message_packets import (
    PUBACK,
    PUBLISH,
    Acknowledged,
    PacketError,
    acknowledgement,
    decode_acknowledgement,
    decode_publish,
    encode,
    read_variable,
    variable,
)

FULL = Message(
    "fluid/infer",
    b"payload",
    qos=1,
    retain=True,
    response_topic="answers/me",
    correlation=b"\x00\xff",
    user_properties=(("fluid-unique", "1"), ("käse", "")),
    expiry_s=300,
)
_texts = some.text(some.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
_messages = some.builds(
    Message,
    topic=_texts,
    payload=some.binary(max_size=300),
    qos=some.sampled_from([0, 1]),
    retain=some.booleans(),
    response_topic=some.none() | _texts,
    correlation=some.none() | some.binary(),
    user_properties=some.lists(some.tuples(_texts, _texts), max_size=3).map(tuple),
    expiry_s=some.none() | some.integers(0, 0xFFFFFFFF),
)


def decoded(packet: bytes) -> Delivered:
    """What a broker that passes the packet on unchanged has us read."""
    length, body = read_variable(packet, 1)
    assert body + length == len(packet)
    return decode_publish(packet, body, len(packet), first=packet[0])


def publish(properties: bytes, *, first: int = PUBLISH) -> bytes:
    """A PUBLISH on topic `a` at QoS 0 with these properties and the payload `p`."""
    body = b"\0\1a" + variable(len(properties)) + properties + b"p"
    return bytes((first,)) + variable(len(body)) + body


@given(_messages, some.integers(1, 0xFFFF))
def test_what_is_encoded_is_read_again(message: Message, packet_id: int) -> None:
    outgoing = encode(message)
    packet = outgoing.packet(packet_id)
    assert len(packet) == outgoing.size_bytes
    assert decoded(packet) == Delivered(message, ack_id=packet_id if message.qos else 0)


def test_properties_are_as_paho_packs_them() -> None:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho's
    properties.ResponseTopic = FULL.response_topic
    properties.CorrelationData = FULL.correlation
    properties.UserProperty = list(FULL.user_properties)
    properties.MessageExpiryInterval = FULL.expiry_s
    packed = properties.pack()  # type: ignore[no-untyped-call]  # paho's
    ours = encode(FULL).tail.removesuffix(FULL.payload)
    assert sorted(ours) == sorted(packed)  # their order is free
    unpacked, _ = Properties(PacketTypes.PUBLISH).unpack(ours)  # type: ignore[no-untyped-call]
    assert str(unpacked) == str(properties)


@pytest.mark.parametrize(
    ("message", "first"),
    [
        (Message("a", b""), 0x30),
        (Message("a", b"", qos=1), 0x32),
        (Message("a", b"", qos=1, retain=True), 0x33),
    ],
)
def test_first_byte_tells_qos_and_retain(message: Message, first: int) -> None:
    assert encode(message).packet(1)[0] == first


def test_flags_and_identifiers_of_a_delivery_are_read() -> None:
    properties = b"\x0b\x02\x0b\x80\x01\x01\x01\x03\0\4text"
    seen = decoded(publish(properties, first=PUBLISH | 0x09))
    assert seen.duplicate
    assert seen.message == Message("a", b"p", retain=True)
    assert seen.subscription_ids == (2, 128)


@pytest.mark.parametrize(
    "packet",
    [
        bytes((PUBLISH, 2, 0, 9)),  # the topic is longer than the packet
        bytes((PUBLISH, 3, 0, 1, 0xFF)) + b"\0",  # no UTF-8
        bytes((PUBLISH, 4, 0, 1, 0x61, 9)),  # the properties are
        publish(b"\x09\0\x05ab"),  # a property is
        publish(b"\x23\0\1"),  # a topic alias, which was not allowed
        publish(b"\x7f"),  # a property that MQTT 5 does not have
        publish(b"\x0b\xff\xff\xff\xff\x01"),  # a number that is too long
        bytes((PUBLISH | 4, 6, 0, 1, 0x61, 0, 7, 0)),  # QoS 2, which was not asked for
        bytes((PUBLISH | 6, 6, 0, 1, 0x61, 0, 7, 0)),  # QoS 3
        bytes((PUBLISH | 2, 6, 0, 1, 0x61, 0, 0, 0)),  # QoS 1 without a packet identifier
    ],
)
def test_what_cannot_be_read_is_an_error(packet: bytes) -> None:
    with pytest.raises(PacketError):
        decode_publish(packet, 2, len(packet), first=packet[0])


@given(some.binary(max_size=40))
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    try:
        seen = decode_publish(body, 0, len(body), first=PUBLISH | 2)
    except PacketError:
        return
    assert replace(seen.message, payload=b"").qos == 1


def test_acknowledgements_name_the_packet() -> None:
    assert acknowledgement(0x1234) == bytes((PUBACK, 2, 0x12, 0x34))
    assert decode_acknowledgement(b"\x12\x34", 0, 2) == Acknowledged(0x1234, 0)
    assert decode_acknowledgement(b"\x12\x34\x97\0", 0, 4) == Acknowledged(0x1234, 0x97)
    with pytest.raises(PacketError):
        decode_acknowledgement(b"\x12", 0, 1)


@pytest.mark.parametrize(
    ("number", "data"),
    [
        (0, b"\0"),
        (127, b"\x7f"),
        (128, b"\x80\x01"),
        (16_384, b"\x80\x80\x01"),
        (268_435_455, b"\xff\xff\xff\x7f"),
    ],
)
def test_variable_integers_are_those_of_the_standard(number: int, data: bytes) -> None:
    assert variable(number) == data
    assert read_variable(b"x" + data, 1) == (number, 1 + len(data))
