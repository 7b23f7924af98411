"""A broker that a test plays packet by packet, for what a real one does not do on request."""

import socket
from types import TracebackType
from typing import Any, Self

from fluid.bus import LinkOptions
from fluid.bus.mqtt import BrokerAddress, MqttBus
from tests.recorder import TIMEOUT_S, Recorder

CONNECT, PUBLISH, SUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 8, 12, 14


class ScriptedBroker:
    """Accepts one connection at a time; use it in `with`."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(TIMEOUT_S)
        self._connection: socket.socket | None = None

    def open(self, **options: Any) -> Recorder:
        """A link to this broker, with its TCP connection accepted and its CONNECT read."""
        address = BrokerAddress("127.0.0.1", self._listener.getsockname()[1])
        recorder = Recorder(MqttBus(address), LinkOptions("client", **options))
        self._connection, _ = self._listener.accept()
        self._connection.settimeout(TIMEOUT_S)
        assert self.read()[0] == CONNECT
        return recorder

    def opened(self, *properties: int, **options: Any) -> Recorder:
        """The same, and the connection is accepted with these CONNACK properties."""
        recorder = self.open(**options)
        self.send(0x20, 0, 0, len(properties), *properties)
        recorder.opened()
        return recorder

    def send(self, first: int, *body: int) -> None:
        """A packet: its first byte, and what follows the length."""
        self._peer.sendall(bytes([first, len(body), *body]))

    def read(self) -> tuple[int, bytes]:
        """The next packet of the client: its type and what follows the length."""
        first = self._exactly(1)[0]
        size, shift = 0, 0
        while True:
            byte = self._exactly(1)[0]
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return first >> 4, self._exactly(size)

    def hang_up(self) -> None:
        self._peer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listener.close()
        if self._connection is not None:
            self._connection.close()

    @property
    def _peer(self) -> socket.socket:
        assert self._connection is not None, "nobody has connected"
        return self._connection

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._peer.recv(size - len(data))
            assert more, "the client has closed the connection"
            data += more
        return data
