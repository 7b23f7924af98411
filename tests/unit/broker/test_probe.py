"""The readiness probe tells the broker that was started from anything else on its port."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from broker.probe import answers_as

# A CONNACK that accepts and assigns the client id "fluid-abc-1" (property 0x12).
_ACCEPTED = bytes.fromhex("20 11 00 00 0e 12 00 0b") + b"fluid-abc-1"


@contextmanager
def _listener(answer: bytes, *, chunk_bytes: int = 512) -> Iterator[int]:
    """A port that reads one packet, sends `answer` in chunks, and hangs up."""

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(512)
            for start in range(0, len(answer), chunk_bytes):
                connection.sendall(answer[start : start + chunk_bytes])

    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def test_the_broker_that_bears_the_mark_is_recognised() -> None:
    with _listener(_ACCEPTED) as port:
        assert answers_as("fluid-abc-", port=port, timeout_s=5)


def test_an_answer_in_pieces_is_put_together() -> None:
    with _listener(_ACCEPTED, chunk_bytes=3) as port:
        assert answers_as("fluid-abc-", port=port, timeout_s=5)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(_ACCEPTED.replace(b"abc", b"xyz"), id="another broker"),
        pytest.param(b"HTTP/1.1 400 Bad Request fluid-abc-\r\n\r\n", id="not a broker"),
        pytest.param(b"", id="hangs up"),
    ],
)
def test_anything_else_is_not(answer: bytes) -> None:
    with _listener(answer) as port:
        assert not answers_as("fluid-abc-", port=port, timeout_s=5)


def test_a_port_where_nobody_listens_is_not_a_broker() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    assert not answers_as("fluid-abc-", port=port)
