import selectors
import socket
import time
from collections.abc import Iterator

import pytest

from fluid.bus.mqtt import packet_stream
from fluid.bus.mqtt.address import BrokerAddress
from fluid.bus.mqtt.command_queue import CommandQueue
from fluid.bus.mqtt.network_loop import NetworkLoop
from fluid.bus.mqtt.packet_stream import PacketStream
from fluid.bus.mqtt.packets import StreamClient, new_client
from fluid.bus.protocol import LinkOptions

CHUNK_BYTES = 10
LONG_S = 600.0


class Ends:
    """A client whose connection is there already, and the broker's end of it."""

    def __init__(self) -> None:
        near, self.broker = socket.socketpair()
        near.settimeout(0)
        self.stream = PacketStream(near)
        self.commands = CommandQueue(1 << 20)
        self.loop = NetworkLoop(self.commands, keepalive_s=0)
        self.client = new_client(BrokerAddress("broker"), None, LinkOptions("client"))
        self.client._sock = self.stream  # type: ignore[assignment]  # all that paho calls

    def run(self) -> None:
        self.loop.run(self.client, self.stream, read=lambda _client: None)

    def end(self, client: StreamClient) -> None:
        """A command: the connection is over."""
        client._sock_close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.commands.end()
    made.stream.close()
    made.broker.close()


def test_what_waits_for_the_socket_does_not_wait_for_something_else_to_happen(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packet_stream, "_WRITE_BYTES", CHUNK_BYTES)
    timeouts_s: list[float] = []

    class Selector(selectors.DefaultSelector):
        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            ready = super().select(0)
            if not ready and timeout:
                timeouts_s.append(timeout)
            return ready

    monkeypatch.setattr(selectors, "DefaultSelector", Selector)
    # Four chunks, two of which go in each turn: the second turn ends with nothing to write.
    ends.commands.post(lambda _client: ends.stream.send(bytes(4 * CHUNK_BYTES)))
    with ends.commands.together():
        for _ in range(99):
            ends.commands.post(lambda _client: None)
        ends.commands.post(ends.end)
    ends.run()
    assert timeouts_s == []


@pytest.mark.parametrize(("taken_bytes", "heard"), [(0, False), (1 << 20, True)])
def test_a_broker_that_takes_more_of_a_large_message_lives(
    ends: Ends, monkeypatch: pytest.MonkeyPatch, taken_bytes: int, *, heard: bool
) -> None:
    rooms: list[bool] = []
    monkeypatch.setattr(ends.client, "has_made_room", lambda: rooms.append(True))
    ends.stream.send(bytes(1 << 23))
    while ends.stream.flush():
        pass
    if taken_bytes:
        ends.broker.recv(taken_bytes)
    ends.loop.deadline_s = time.monotonic() + 0.2
    ends.run()
    assert bool(rooms) is heard
