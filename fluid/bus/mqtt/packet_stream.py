"""Between paho and its socket: cuts what comes into packets, and gathers what goes.

paho reads and writes packet by packet, each with several calls of the system. This reads and writes
what there is, and sorts the packets: messages and their acknowledgements are the link's, as they
come by the hundred; all others are paho's, which sees a socket that has only those. In the order
in which they came, because what a session had in flight has come once a subscription is answered.

For the link's thread alone.
"""

import socket
import ssl
from collections.abc import Iterator

from fluid.bus.mqtt.alerts import AlertKeeper
from fluid.bus.mqtt.message_packets import (
    PUBACK,
    PUBLISH,
    Acknowledged,
    decode_acknowledgement,
    decode_publish,
    packet_body,
)
from fluid.bus.protocol import Delivered

_READ_BYTES = 256 * 1024
_WRITE_BYTES = 256 * 1024  # at a time: TLS copies what it is given


class PacketStream:
    """Has the methods of a socket that paho calls: `recv`, `send`, `setblocking`, `close`."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._unread = bytearray()  # the beginning of a packet
        self._wanted_bytes = 0  # of it, until it can be read
        self._for_paho = b""
        self._unsent = bytearray()
        self._ended = False
        self._failure: OSError | None = None
        self._is_full = False

    # --- for paho ---------------------------------------------------------------------------

    def recv(self, size: int) -> bytes:
        """Of the packet that was handed over; then as the socket did, if it has ended."""
        if self._for_paho:
            data, self._for_paho = self._for_paho[:size], self._for_paho[size:]
            return data
        if self._failure is not None:
            raise self._failure
        if self._ended:
            return b""
        raise BlockingIOError

    def send(self, data: bytes) -> int:
        """It goes out with `flush`, in its turn."""
        self._unsent += data
        return len(data)

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - as in `socket`
        self._connection.setblocking(flag)

    def close(self) -> None:
        self._connection.close()

    # --- for the link -----------------------------------------------------------------------

    @property
    def connection(self) -> socket.socket:
        """To wait for, and to tune; nobody else reads or writes it."""
        return self._connection

    @property
    def failure(self) -> OSError | None:
        """What the socket said first when it failed."""
        if isinstance(self._connection, AlertKeeper):
            return self._connection.failure or self._failure
        return self._failure

    @property
    def has_ended(self) -> bool:
        return self._ended or self._failure is not None

    @property
    def has_unsent(self) -> bool:
        return bool(self._unsent)

    @property
    def is_full(self) -> bool:
        """Whether the system takes no more of what we write until the broker has taken some."""
        return self._is_full

    @property
    def has_more(self) -> bool:
        """What TLS has decrypted already, a selector does not see."""
        return isinstance(self._connection, ssl.SSLSocket) and self._connection.pending() > 0

    def read(self) -> Iterator[Delivered | Acknowledged | None]:
        """What has come. At None, paho is to read one packet before it goes on.

        Raises `PacketError` for what cannot be a packet.
        """
        try:
            data = self._connection.recv(_READ_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return iter(())
        except OSError as error:
            self._failure = error
            return iter(())
        if not data:
            self._ended = True
        return self._packets(data)

    def flush(self) -> bool:
        """Send as much as the socket takes now; whether it took anything."""
        if not self._unsent or self.has_ended:
            return False
        try:
            with memoryview(self._unsent) as unsent, unsent[:_WRITE_BYTES] as part:
                sent = self._connection.send(part)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            self._is_full = True
            return False
        except OSError as error:
            self._failure = error
            return False
        # TLS takes one record at a time, however much room there is: only its errors tell.
        is_plain = not isinstance(self._connection, ssl.SSLSocket)
        self._is_full = is_plain and sent < min(len(self._unsent), _WRITE_BYTES)
        del self._unsent[:sent]
        return True

    def send_last(self, timeout_s: float) -> None:
        """Send all that is left, as nobody will call `flush` again. Raises OSError if it cannot."""
        self._connection.settimeout(timeout_s)
        self._connection.sendall(self._unsent)
        self._unsent.clear()

    def _packets(self, data: bytes) -> Iterator[Delivered | Acknowledged | None]:
        if self._unread:
            self._unread += data
            if len(self._unread) < self._wanted_bytes:
                return
            data = bytes(self._unread)
            self._unread.clear()
        begin = 0
        while (found := packet_body(data, begin)) is not None:
            body, end = found
            if end > len(data):
                break
            kind = data[begin] & 0xF0
            if kind == PUBLISH:
                yield decode_publish(data, body, end, first=data[begin])
            elif kind == PUBACK:
                yield decode_acknowledgement(data, body, end)
            else:
                self._for_paho = data[begin:end]
                yield None
            begin = end
        if begin < len(data):
            self._unread += memoryview(data)[begin:]
            # Not looked at again before it is whole: large images come in many pieces.
            self._wanted_bytes = 0 if found is None else found[1] - begin
