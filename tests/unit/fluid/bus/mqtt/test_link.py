import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from fluid.bus import Closed, CloseReason, Confirmed, LinkOptions, Message, Subscription
from fluid.bus.mqtt import BrokerAddress, MqttBus, link
from tests.recorder import Recorder
from tests.unit.fluid.bus.mqtt.scripted import (
    DISCONNECT,
    PINGREQ,
    PUBLISH,
    SUBSCRIBE,
    ScriptedBroker,
)

CONNACK, PUBACK, SUBACK, PINGRESP = 0x20, 0x40, 0x90, 0xD0
RECEIVE_MAXIMUM, MAXIMUM_PACKET_SIZE = 0x21, 0x27  # the properties' identifiers
PACKET_TOO_LARGE = 0x95


@pytest.fixture
def broker() -> Iterator[ScriptedBroker]:
    with ScriptedBroker() as broker:
        yield broker


def open_at(address: BrokerAddress) -> Recorder:
    return Recorder(MqttBus(address), LinkOptions("client"))


class TestConnecting:
    def test_unknown_host_is_not_found(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def resolve(*_args: object, **_kwargs: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        closed = open_at(BrokerAddress("nowhere.invalid")).closed()
        assert closed.reason is CloseReason.NOT_FOUND
        assert closed.detail == "no such host: nowhere.invalid (Name or service not known)"

    def test_refused_connection_is_unreachable(self) -> None:
        with socket.socket() as unused:  # bound, so nobody else listens there, but not listening
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            closed = open_at(BrokerAddress("127.0.0.1", port)).closed()
        assert closed.reason is CloseReason.UNREACHABLE
        assert closed.detail == f"cannot connect to mqtt://127.0.0.1:{port}: Connection refused"

    def test_hanging_up_instead_of_an_answer_is_unreachable(self, broker: ScriptedBroker) -> None:
        recorder = broker.open()
        broker.hang_up()
        closed = recorder.closed()
        assert closed.reason is CloseReason.UNREACHABLE
        assert "does not answer as a broker" in closed.detail

    def test_no_answer_in_time_is_unreachable(self, broker: ScriptedBroker) -> None:
        closed = broker.open(connect_timeout_s=0.05).closed()
        assert closed.reason is CloseReason.UNREACHABLE

    def test_another_protocol_is_unreachable(self, broker: ScriptedBroker) -> None:
        recorder = broker.open()
        broker.send(*b"HTTP/1.1 400 Bad Request\r\n\r\n")
        assert recorder.closed().reason is CloseReason.UNREACHABLE

    @pytest.mark.parametrize(
        ("code", "reason", "words"),
        [
            (0x86, CloseReason.REFUSED, "Bad user name or password; check the user, the password"),
            (0x87, CloseReason.REFUSED, "Not authorized; check the user, the password"),
            (0x85, CloseReason.REFUSED, "Client identifier not valid"),
            (0x01, CloseReason.REFUSED, "Unsupported protocol version"),  # by a broker of MQTT 3
            (0x88, CloseReason.UNREACHABLE, "Server unavailable"),
            (0x89, CloseReason.UNREACHABLE, "Server busy"),
        ],
    )
    def test_refusal_says_whether_it_may_pass(
        self, broker: ScriptedBroker, code: int, reason: CloseReason, words: str
    ) -> None:
        recorder = broker.open()
        broker.send(CONNACK, 0, code, 0)
        closed = recorder.closed()
        assert closed.reason is reason
        assert f"refused client 'client': {words}" in closed.detail

    def test_closing_before_the_answer_says_goodbye(self, broker: ScriptedBroker) -> None:
        recorder = broker.open()
        recorder.link.close()
        assert broker.read()[0] == DISCONNECT
        broker.hang_up()
        assert recorder.next() == Closed(CloseReason.REQUESTED)

    def test_closing_while_connecting_ends_as_requested(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            recorder = open_at(BrokerAddress("127.0.0.1", unused.getsockname()[1]))
            recorder.link.close()
            # Either the refusal or the request came first.
            reasons = (CloseReason.REQUESTED, CloseReason.UNREACHABLE)
            assert recorder.closed().reason in reasons

    def test_will_that_cannot_be_sent_raises(self) -> None:
        bus = MqttBus(BrokerAddress("127.0.0.1"))
        with pytest.raises(ValueError, match="wildcard"):
            bus.open(LinkOptions("client", will=Message("a/#", b"")), lambda _event: None)


class TestEnding:
    @pytest.mark.parametrize(
        ("code", "reason", "words"),
        [
            (0x8E, CloseReason.TAKEN_OVER, "Session taken over"),
            (0x8B, CloseReason.LOST, "Server shutting down"),
        ],
    )
    def test_tells_a_takeover_from_other_disconnects(
        self, broker: ScriptedBroker, code: int, reason: CloseReason, words: str
    ) -> None:
        recorder = broker.opened()
        broker.send(0xE0, code, 0)
        closed = recorder.closed()
        assert closed.reason is reason
        assert words in closed.detail

    def test_broken_connection_is_lost(self, broker: ScriptedBroker) -> None:
        recorder = broker.opened()
        broker.hang_up()
        assert recorder.closed().reason is CloseReason.LOST

    def test_malformed_packet_is_lost(self, broker: ScriptedBroker) -> None:
        recorder = broker.opened()
        broker.send(PUBACK, 0)
        assert recorder.closed().reason is CloseReason.LOST

    def test_silent_broker_is_lost(self, broker: ScriptedBroker) -> None:
        recorder = broker.opened(keepalive_s=1)
        assert broker.read()[0] == PINGREQ
        broker.send(PINGRESP)
        assert broker.read()[0] == PINGREQ
        assert recorder.closed().reason is CloseReason.LOST

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux knows such a bound")
    def test_host_that_takes_nothing_is_lost_long_before_keepalive_says_so(
        self, broker: ScriptedBroker
    ) -> None:
        recorder = broker.opened(keepalive_s=600, silence_s=0.2)
        for _ in range(32):  # more than the system's buffers hold
            recorder.link.publish(Message("a", bytes(1 << 20), qos=1))
        assert recorder.closed().reason is CloseReason.LOST

    def test_closing_waits_for_confirmations(self, broker: ScriptedBroker) -> None:
        recorder = broker.opened()
        recorder.link.publish(Message("a", b"", qos=1), token=7)
        recorder.link.close()
        kind, body = broker.read()
        assert kind == PUBLISH
        broker.send(PUBACK, *body[3:5])
        assert broker.read()[0] == DISCONNECT
        broker.hang_up()
        assert recorder.next() == Confirmed(7)
        assert recorder.next() == Closed(CloseReason.REQUESTED)

    def test_closing_does_not_wait_for_ever(
        self, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(link, "CLOSE_TIMEOUT_S", 0.05)
        recorder = broker.opened(keepalive_s=1)
        recorder.link.publish(Message("a", b"", qos=1), token=7)
        recorder.link.close()
        assert broker.read()[0] == PUBLISH
        assert broker.read()[0] == DISCONNECT  # so that the will stays unpublished
        assert recorder.next() == Closed(CloseReason.REQUESTED)

    def test_leaves_no_thread(self, broker: ScriptedBroker) -> None:
        before = set(threading.enumerate())
        recorder = broker.opened()
        [thread] = set(threading.enumerate()) - before
        broker.hang_up()
        recorder.closed()
        thread.join()


class TestSending:
    def test_keeps_to_the_receive_maximum(self, broker: ScriptedBroker) -> None:
        recorder = broker.opened(RECEIVE_MAXIMUM, 0, 2)
        for number in range(4):
            recorder.link.publish(Message("a", bytes([number]), qos=1), token=number)
        recorder.link.publish(Message("a", b"passes", qos=0))
        sent = [broker.read()[1] for _ in range(3)]
        assert [body[-1:] for body in sent] == [b"\0", b"\1", b"s"]
        for number in (2, 3):
            broker.send(PUBACK, *sent.pop(0)[3:5])
            sent.append(broker.read()[1])
            assert sent[-1][-1] == number
        assert [recorder.confirmed().token for _ in range(2)] == [0, 1]

    @pytest.mark.parametrize(("filling", "head_bytes"), [(10, 2), (200, 3)])
    def test_keeps_to_the_maximum_packet_size(
        self,
        broker: ScriptedBroker,
        caplog: pytest.LogCaptureFixture,
        filling: int,
        head_bytes: int,
    ) -> None:
        largest = Message(
            "é/a", bytes(filling), qos=1, correlation=b"7", user_properties=(("a", "b"),)
        )
        # Topic 2 + 4, identifier 2, properties 1 + (1 + 2 + 1) + (1 + 3 + 3).
        limit = head_bytes + 6 + 2 + 12 + filling
        recorder = broker.opened(MAXIMUM_PACKET_SIZE, *limit.to_bytes(4))
        recorder.link.publish(replace(largest, payload=bytes(filling + 1)), token=1)
        recorder.link.publish(replace(largest, payload=bytes(filling + 3), qos=0))
        assert recorder.next() == Confirmed(1, PACKET_TOO_LARGE)
        recorder.link.publish(largest, token=2)
        kind, body = broker.read()  # the first that comes: the larger ones were not sent
        assert (kind, len(body)) == (PUBLISH, limit - head_bytes)
        recorder.link.publish(replace(largest, payload=bytes(filling + 2), qos=0))
        assert len(broker.read()[1]) == limit - head_bytes
        [warning] = caplog.messages
        assert warning.startswith(f"a message of {filling + 3} bytes to é/a is dropped: mqtt://")
        assert warning.endswith(f" takes packets of at most {limit} bytes")

    def test_sends_one_subscribe_for_each_identifier(self, broker: ScriptedBroker) -> None:
        recorder = broker.opened()
        recorder.link.subscribe(
            [Subscription("a", identifier=1), Subscription("b", identifier=1), Subscription("c")],
            token=3,
        )
        bodies = []
        for reasons in ((1, 0x87), (0,)):
            kind, body = broker.read()
            assert kind == SUBSCRIBE
            bodies.append(body)
            broker.send(SUBACK, *body[:2], 0, *reasons)
        assert [body[2:] for body in bodies] == [
            b"\x02\x0b\x01" b"\0\1a\x01" b"\0\1b\x01",
            b"\x00" b"\0\1c\x01",
        ]  # fmt: skip
        confirmed = recorder.confirmed()
        assert confirmed == Confirmed(3, 0x87)
        assert not confirmed.accepted

    def test_illegal_calls_raise_at_once(self, broker: ScriptedBroker) -> None:
        recorder = broker.opened()
        with pytest.raises(ValueError, match="wildcard"):
            recorder.link.publish(Message("a/+", b""))
        with pytest.raises(ValueError, match="at least one"):
            recorder.link.subscribe([])
        with pytest.raises(ValueError, match="as its last level"):
            recorder.link.unsubscribe(["#/a"])
        recorder.link.close()
        assert broker.read()[0] == DISCONNECT  # the link is none the worse for it
