"""The packets are checked against a real broker by the integration tests of the benchmark."""

import struct

import pytest

from fluid.bench import mqtt_packets as mqtt
from fluid.bus.mqtt.message_packets import PacketError

PROPERTIES = (
    b"\x01\x00"  # payload format indicator
    b"\x02\x00\x00\x00\x05"  # message expiry
    b"\x03\x00\x01t"  # content type
    b"\x0b\x81\x01"  # subscription identifier
    b"\x09\x00\x03c-7"  # correlation data
    b"\x26\x00\x01a\x00\x01b"  # user property
)


def _publish(payload: bytes, *, qos: int = 1, properties: bytes = PROPERTIES) -> bytes:
    identifier = struct.pack(">H", 513) if qos else b""
    body = b"\x00\x01t" + identifier + bytes((len(properties),)) + properties + payload
    assert len(body) < 128
    return bytes((0x30 | qos << 1, len(body))) + body


def _read(data: bytes) -> list[mqtt.Packet]:
    return list(mqtt.PacketReader().feed(data))


def test_an_answer_is_found_among_the_other_properties() -> None:
    assert _read(_publish(b"{}")) == [mqtt.Answered(b"c-7", b"{}", 513)]


def test_an_answer_at_qos_0_needs_no_acknowledgement() -> None:
    assert _read(_publish(b"{}", qos=0)) == [mqtt.Answered(b"c-7", b"{}", 0)]


def test_bytes_may_come_in_any_pieces() -> None:
    reader = mqtt.PacketReader()
    data = _publish(b"one") + _publish(b"two")
    packets = [packet for byte in data for packet in reader.feed(bytes((byte,)))]
    assert packets == [mqtt.Answered(b"c-7", b"one", 513), mqtt.Answered(b"c-7", b"two", 513)]


def test_several_packets_may_come_at_once() -> None:
    acknowledged = b"\x40\x02\x00\x01"
    assert len(_read(acknowledged + _publish(b"one") + b"\xd0\x00" + _publish(b"two"))) == 2


def test_the_broker_is_ready_when_it_accepts_connection_and_subscription() -> None:
    assert _read(b"\x20\x03\x00\x00\x00" + b"\x90\x04\x00\x01\x00\x01") == [mqtt.Ready()] * 2


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x20\x03\x00\x87\x00", "refuses the generator .reason 0x87"),
        (b"\x90\x04\x00\x01\x00\x87", "refuses the generator .reason 0x87"),
        (b"\x40\x03\x00\x01\x97", "refuses a publish .reason 0x97"),
        (b"\xe0\x01\x8e", "disconnects .reason 0x8e"),
        (b"\xe0\x00", "disconnects .reason 0x00"),
        (b"\x30\xff\xff\xff\xff\x01", "length"),
        (b"\x30\x02\x00\x09", "cannot be read"),
        (b"\x00\x00", "type 0"),
    ],
)
def test_a_refusal_is_an_error(data: bytes, reason: str) -> None:
    with pytest.raises(PacketError, match=reason):
        _read(data)


def test_a_property_that_no_publish_has_is_an_error() -> None:
    with pytest.raises(PacketError, match="property 0x7f"):
        _read(_publish(b"", properties=b"\x7f"))


def test_a_request_says_where_its_answer_goes_and_whose_it_is() -> None:
    publisher = mqtt.Publisher("fluid/infer", response_topic="r/1", user_properties=(("u", "1"),))
    packet = publisher.packet(b"c-1", b"pixels")
    assert packet[0] == 0x32
    assert packet[1] == len(packet) - 2
    assert packet[2:] == (
        b"\x00\x0bfluid/infer\x00\x01\x13\x08\x00\x03r/1\x26\x00\x01u\x00\x011\x09\x00\x03c-1pixels"
    )


def test_a_long_request_has_a_long_length() -> None:
    publisher = mqtt.Publisher("t", response_topic="r", user_properties=())
    packet = publisher.packet(b"c", b"x" * 20_000)
    length, end = (packet[1] & 0x7F) | (packet[2] & 0x7F) << 7 | packet[3] << 14, 4
    assert (packet[1] >> 7, packet[2] >> 7, packet[3] >> 7) == (1, 1, 0)
    assert length == len(packet) - end


def test_identifiers_count_up_and_begin_again_without_zero() -> None:
    publisher = mqtt.Publisher("t", response_topic="r", user_properties=())
    place = 1 + 1 + 2 + 1
    identifiers = [publisher.packet(b"", b"")[place : place + 2] for _ in range(65_536)]
    assert identifiers[0] == b"\x00\x01"
    assert identifiers[65_534] == b"\xff\xff"
    assert identifiers[65_535] == b"\x00\x01"


def test_a_connection_is_clean_and_of_version_5() -> None:
    assert mqtt.connect("me") == b"\x10\x0f\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x02me"
    assert mqtt.subscribe("r") == b"\x82\x07\x00\x01\x00\x00\x01r\x01"
    assert mqtt.disconnect() == b"\xe0\x00"
