import socket
from collections.abc import Iterator

import pytest


@pytest.fixture
def silent_broker() -> Iterator[str]:
    """The address of what lets clients connect, and never says a word of MQTT."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"mqtt://127.0.0.1:{server.getsockname()[1]}"
