"""Asks whether the broker behind a port is the one that was started, in one MQTT 5 handshake.

A bare TCP connection is not enough: another process may have taken the port first. The broker is
told to prefix the client ids that it assigns with a mark, and to a client without an id it
reports the assigned one (MQTT 5, section 3.2.2.3.7), so the mark comes back in its CONNACK.
"""

import socket

# CONNECT, MQTT 5, clean start, keepalive 5 s, no properties, no client id (section 3.1).
_CONNECT = bytes.fromhex("10 0d 00 04 4d 51 54 54 05 02 00 05 00 00 00")
_DISCONNECT = bytes.fromhex("e0 00")
_CONNACK = 0x20
_ANSWER_MAX_BYTES = 512


def answers_as(mark: str, *, port: int, host: str = "127.0.0.1", timeout_s: float = 0.5) -> bool:
    """Whether the broker at this address accepts a client and puts `mark` into its id."""
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            connection.sendall(_CONNECT)
            answer = _read_packet(connection)
            connection.sendall(_DISCONNECT)
    except OSError:  # refused, reset or silent: not (yet) a broker
        return False
    return answer[:1] == bytes([_CONNACK]) and mark.encode() in answer


def _read_packet(connection: socket.socket) -> bytes:
    """One whole packet of fewer than 128 bytes after its header, as a CONNACK is."""
    answer = b""
    while len(answer) < 2 or len(answer) < 2 + answer[1]:
        received = connection.recv(_ANSWER_MAX_BYTES)
        if not received:
            break
        answer += received
    return answer
