"""What a link asks of the system for its TCP connection, beyond reading and writing."""

import socket
import sys
from contextlib import suppress

from fluid.bus.mqtt.packet_stream import PacketStream

_READ_OUT_BYTES = 1 << 16
_TCP_PROBE_S = 1


def send_at_once(connection: socket.socket) -> None:
    """Have small packets not wait for the acknowledgement of those before them."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def bound_silence(connection: socket.socket, silence_s: float | None) -> None:
    """Have the system end the connection to a host that acknowledges nothing, not even the
    probes that it sends each second while there is nothing else to send.

    Unlike a short keepalive, that never ends one on which a large message is still moving.
    Where the system knows no such bound (other than Linux), keepalive has to do.
    """
    if silence_s is not None and sys.platform == "linux":
        silence_ms = int(1000 * silence_s)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, silence_ms)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _TCP_PROBE_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _TCP_PROBE_S)


def part(stream: PacketStream, timeout_s: float) -> None:
    """Send what is left, up to our DISCONNECT, then let the broker close first.

    A socket closed with unread bytes is reset, and what the broker had not read yet is lost:
    acknowledgements, or the DISCONNECT itself, so that it would publish the will.
    """
    with suppress(OSError):  # reset, silent or closed: nothing is left to do
        stream.send_last(timeout_s)
        while stream.connection.recv(_READ_OUT_BYTES):
            pass
