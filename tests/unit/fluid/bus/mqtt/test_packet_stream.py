import socket
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from fluid.bus import Delivered, Message
from fluid.bus.mqtt.message_packets import Acknowledged, PacketError, acknowledgement, encode
from fluid.bus.mqtt.packet_stream import PacketStream

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PINGRESP = bytes((0xD0, 0))
SUBACK = bytes((0x90, 4, 0, 1, 0, 0))


class Ends:
    """A stream and the broker's end of its connection."""

    def __init__(self) -> None:
        near, self.broker = socket.socketpair()
        near.settimeout(0)
        self.stream = PacketStream(near)

    def reads(self, data: bytes) -> list[Delivered | Acknowledged | bytes]:
        """What is read after the broker has sent this; what is paho's, as paho gets it."""
        self.broker.sendall(data)
        return [self.of_paho() if each is None else each for each in self.stream.read()]

    def of_paho(self) -> bytes:
        data = b""
        while True:
            try:
                data += self.stream.recv(1)
            except BlockingIOError:
                return data

    def close(self) -> None:
        self.stream.close()
        self.broker.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.close()


def publish(payload: bytes) -> bytes:
    return encode(Message("a", payload)).packet(0)


def message(payload: bytes) -> Delivered:
    return Delivered(Message("a", payload))


def test_packets_are_sorted_in_the_order_in_which_they_came(ends: Ends) -> None:
    data = publish(b"1") + SUBACK + acknowledgement(7) + PINGRESP + publish(b"2")
    assert ends.reads(data) == [message(b"1"), SUBACK, Acknowledged(7, 0), PINGRESP, message(b"2")]


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_packet_in_two_pieces_is_one(ends: Ends, cut: int) -> None:
    data = publish(b"payload") + SUBACK
    first, second = ends.reads(data[:cut]), ends.reads(data[cut:])
    assert first + second == [message(b"payload"), SUBACK]


def test_a_large_message_comes_in_many_pieces(ends: Ends) -> None:
    payload = bytes(1 << 20)
    data, seen = publish(payload), []
    for at in range(0, len(data), 1 << 15):
        seen += ends.reads(data[at : at + (1 << 15)])
    assert seen == [message(payload)]


def test_nothing_to_read_is_nothing_read(ends: Ends) -> None:
    assert list(ends.stream.read()) == []
    assert not ends.stream.has_ended
    with pytest.raises(BlockingIOError):
        ends.stream.recv(1)


def test_the_end_is_for_paho_to_find(ends: Ends) -> None:
    ends.broker.close()
    assert list(ends.stream.read()) == []
    assert ends.stream.has_ended
    assert ends.stream.recv(1) == b""


def test_a_failure_is_for_paho_to_find_and_kept(ends: Ends) -> None:
    ends.broker.close()
    ends.stream.send(b"x")
    ends.stream.flush()
    assert isinstance(ends.stream.failure, BrokenPipeError)
    with pytest.raises(BrokenPipeError):
        ends.stream.recv(1)


@pytest.mark.parametrize("data", [b"\x00\x00", b"\x30\xff\xff\xff\xff\x01"])
def test_what_is_no_packet_is_an_error(ends: Ends, data: bytes) -> None:
    with pytest.raises(PacketError):
        ends.reads(data)


def test_what_is_sent_goes_out_together_with_the_flush(ends: Ends) -> None:
    assert ends.stream.send(b"ab") == 2
    ends.stream.send(b"cd")
    states = [ends.stream.has_unsent, ends.stream.flush(), ends.stream.has_unsent]
    assert states == [True, True, False]
    assert ends.broker.recv(100) == b"abcd"
    assert not ends.stream.flush()


def test_what_the_socket_does_not_take_waits(ends: Ends) -> None:
    data = bytes(range(256)) * (1 << 14)
    ends.stream.send(data)
    seen = b""
    while ends.stream.has_unsent:
        if not ends.stream.flush():
            seen += ends.broker.recv(1 << 20)
    ends.stream.close()
    while more := ends.broker.recv(1 << 20):
        seen += more
    assert seen == data


def test_a_connection_is_full_until_the_other_end_takes_some(ends: Ends) -> None:
    states = [ends.stream.is_full]
    ends.stream.send(bytes(1 << 23))
    while ends.stream.flush():
        pass
    states.append(ends.stream.is_full)
    while ends.stream.has_unsent:
        ends.broker.recv(1 << 20)
        ends.stream.flush()
    assert [*states, ends.stream.is_full] == [False, True, False]


class OneRecordAtATime(ssl.SSLSocket):
    """A TLS connection with much room, which takes a record of what it is given."""

    def send(self, data: "ReadableBuffer", flags: int = 0) -> int:  # noqa: ARG002 -- as in `ssl`
        return min(memoryview(data).nbytes, 1 << 14)


def test_a_tls_connection_that_takes_a_record_is_not_full_for_that() -> None:
    stream = PacketStream(OneRecordAtATime.__new__(OneRecordAtATime))
    stream.send(bytes(1 << 20))
    assert stream.flush()
    assert stream.has_unsent
    assert not stream.is_full


def test_the_last_words_are_sent_whole(ends: Ends) -> None:
    ends.stream.send(b"goodbye")
    ends.stream.send_last(1.0)
    assert not ends.stream.has_unsent
    assert ends.broker.recv(100) == b"goodbye"
