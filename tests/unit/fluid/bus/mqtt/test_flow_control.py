from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from fluid.bus import Message
from fluid.bus.mqtt.flow_control import FlowControl, Publication
from fluid.bus.mqtt.message_packets import encode, variable

FIRST_ID = 0x8000


def connack(**said: int) -> Properties:
    properties = Properties(PacketTypes.CONNACK)  # type: ignore[no-untyped-call]  # paho's
    for name, value in said.items():
        setattr(properties, name, value)
    return properties


def publication(payload: bytes) -> Publication:
    return Publication(encode(Message("a", payload, qos=1)), token=None)


def sent(flow: FlowControl) -> list[bytes]:
    """The packets that go out now."""
    packets: list[bytes] = []
    flow.send_held(packets.append)
    return packets


def identifier(packet: bytes) -> int:
    """Of a PUBLISH on a topic of one character."""
    return int.from_bytes(packet[5:7], "big")


def test_no_more_is_unconfirmed_than_the_broker_takes() -> None:
    flow = FlowControl()
    flow.learn(connack(ReceiveMaximum=2))
    held = [publication(bytes([number])) for number in range(3)]
    for each in held:
        flow.hold(each)
    first, second = sent(flow)
    assert (first[-1:], second[-1:]) == (b"\0", b"\1")
    assert sent(flow) == []
    assert flow.confirmed(identifier(first)) is held[0]
    [third] = sent(flow)
    assert third[-1:] == b"\2"


def test_a_broker_that_sets_no_bound_is_kept_to_one_of_ours() -> None:
    for said in (connack(), connack(ReceiveMaximum=65_535), None):
        flow = FlowControl()
        flow.learn(said)
        for _ in range(1001):
            flow.hold(publication(b""))
        assert len(sent(flow)) == 1000


def test_all_is_confirmed_once_nothing_that_was_sent_waits() -> None:
    flow = FlowControl()
    states = [flow.all_confirmed]
    flow.hold(publication(b""))
    [packet] = sent(flow)
    states.append(flow.all_confirmed)
    flow.confirmed(identifier(packet))
    states.append(flow.all_confirmed)
    assert states == [True, False, True]


def test_identifiers_come_round_and_pass_over_those_in_use() -> None:
    flow = FlowControl()
    flow.hold(publication(b"stays"))
    [stays] = sent(flow)
    assert identifier(stays) == FIRST_ID
    seen = set()
    for _ in range(FIRST_ID + 10):
        flow.hold(publication(b""))
        [packet] = sent(flow)
        seen.add(identifier(packet))
        assert flow.confirmed(identifier(packet)) is not None
    assert seen == set(range(FIRST_ID + 1, 0x10000))


def test_a_confirmation_of_nothing_that_was_sent_is_nobodys() -> None:
    assert FlowControl().confirmed(7) is None


def test_the_largest_packet_is_what_the_broker_says_or_a_length_can_tell() -> None:
    flow = FlowControl()
    flow.learn(connack())
    longest = (1 << 28) - 1
    assert len(variable(longest)) < len(variable(longest + 1))
    assert flow.max_packet_bytes == 1 + len(variable(longest)) + longest
    flow.learn(connack(MaximumPacketSize=500))
    assert flow.max_packet_bytes == 500
