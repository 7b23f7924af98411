"""When a client asks the broker for a sign of life, and when it gives it up: paho decides that, by
what `StreamClient` tells it."""

import socket
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from paho.mqtt import client as paho

from fluid.bus.mqtt import packets
from fluid.bus.mqtt.address import BrokerAddress
from fluid.bus.mqtt.packet_stream import PacketStream
from fluid.bus.mqtt.packets import StreamClient, new_client
from fluid.bus.protocol import LinkOptions

KEEPALIVE_S = 10


class Connected:
    """A client that the broker has accepted, and a clock that only the test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._now = 1000.0
        monkeypatch.setattr(paho, "time_func", lambda: self._now)
        monkeypatch.setattr(packets, "time", SimpleNamespace(monotonic=lambda: self._now))
        near, self.broker = socket.socketpair()
        self.stream = PacketStream(near)
        self.client: StreamClient = new_client(
            BrokerAddress("broker"), None, LinkOptions("client", keepalive_s=KEEPALIVE_S)
        )
        self.client.keepalive = KEEPALIVE_S
        self.client._sock = self.stream  # type: ignore[assignment]  # all that paho calls
        self.client._state = paho._ConnectionState.MQTT_CS_CONNECTED  # type: ignore[attr-defined]

    @property
    def is_open(self) -> bool:
        return self.client.stream() is not None

    def passes(self, seconds: float) -> bool:
        """Time; whether the client then asks for a sign of life."""
        self._now += seconds
        self.client.loop_misc()
        asks = self.stream.has_unsent
        if self.stream.flush():
            self.client.has_written()
        return asks


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connected]:
    made = Connected(monkeypatch)
    yield made
    made.stream.close()
    made.broker.close()


def test_a_connection_that_is_used_both_ways_is_not_asked_for_a_sign_of_life(
    connected: Connected,
) -> None:
    for _ in range(5):
        connected.client.has_read()
        connected.client.has_written()
        assert not connected.passes(0.9 * KEEPALIVE_S)
    assert connected.passes(0.2 * KEEPALIVE_S)


def test_while_something_comes_a_late_answer_to_a_ping_ends_nothing(connected: Connected) -> None:
    assert connected.passes(KEEPALIVE_S)
    pings = 0
    for _ in range(20):  # a large message, which the answer has to wait behind
        connected.client.has_read()
        pings += connected.passes(0.3 * KEEPALIVE_S)
        assert connected.is_open
    assert pings >= 4  # the broker, too, wants to hear something


def test_a_broker_that_says_nothing_more_is_given_up(connected: Connected) -> None:
    assert connected.passes(KEEPALIVE_S)
    connected.client.has_written()  # to write into nothing is easy
    connected.passes(KEEPALIVE_S)
    assert not connected.is_open
