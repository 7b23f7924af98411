from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

from paho.mqtt.client import Client
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from fluid.bus import Message
from fluid.bus.mqtt.flow_control import FlowControl, Publication


@dataclass
class RecordingClient:
    """Takes publications, and numbers them from 1."""

    payloads: list[bytes] = field(default_factory=list)

    def publish(self, _topic: str, payload: bytes, *_options: object) -> SimpleNamespace:
        self.payloads.append(payload)
        return SimpleNamespace(mid=len(self.payloads))


def connack(**said: int) -> Properties:
    properties = Properties(PacketTypes.CONNACK)  # type: ignore[no-untyped-call]  # paho's
    for name, value in said.items():
        setattr(properties, name, value)
    return properties


def publication(payload: bytes) -> Publication:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho's
    return Publication(Message("a", payload, qos=1), properties, token=None, size_bytes=1)


def sent(flow: FlowControl, client: RecordingClient) -> list[bytes]:
    """What goes out now."""
    before = len(client.payloads)
    flow.send_held(cast("Client", client))
    return client.payloads[before:]


def test_no_more_is_unconfirmed_than_the_broker_takes() -> None:
    flow, client = FlowControl(), RecordingClient()
    flow.learn(connack(ReceiveMaximum=2))
    held = [publication(bytes([number])) for number in range(3)]
    for each in held:
        flow.hold(each)
    assert sent(flow, client) == [b"\0", b"\1"]
    assert sent(flow, client) == []
    assert flow.confirmed(1) is held[0]
    assert sent(flow, client) == [b"\2"]


def test_a_broker_that_sets_no_bound_is_kept_to_one_of_ours() -> None:
    for said in (connack(), connack(ReceiveMaximum=65_535), None):
        flow, client = FlowControl(), RecordingClient()
        flow.learn(said)
        for _ in range(1001):
            flow.hold(publication(b""))
        assert len(sent(flow, client)) == 1000


def test_all_is_confirmed_once_nothing_that_was_sent_waits() -> None:
    flow, client = FlowControl(), RecordingClient()
    states = [flow.all_confirmed]
    flow.hold(publication(b""))
    sent(flow, client)
    states.append(flow.all_confirmed)
    flow.confirmed(1)
    states.append(flow.all_confirmed)
    assert states == [True, False, True]


def test_a_confirmation_of_nothing_that_was_sent_is_nobodys() -> None:
    assert FlowControl().confirmed(7) is None


def test_the_largest_packet_is_what_the_broker_says_or_any() -> None:
    flow = FlowControl()
    flow.learn(connack())
    assert flow.max_packet_bytes > 1 << 32
    flow.learn(connack(MaximumPacketSize=500))
    assert flow.max_packet_bytes == 500
