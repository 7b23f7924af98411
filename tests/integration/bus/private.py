"""A Mosquitto whose configuration is up to the test: access control, TLS, limits."""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from broker.configuration import render
from broker.launcher import find_mosquitto
from fluid.processes import start_tied, stop
from tests.processes import wait_until


@contextmanager
def private_mosquitto(folder: Path, options: Mapping[str, str]) -> Iterator[int]:
    """Run the shipped configuration with these options; gives the loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    chosen = {"listener": f"{port} 127.0.0.1", "persistence": "false", **options}
    if os.geteuid() == 0:
        chosen["user"] = "root"  # or it could not read what the test has written
    configuration = folder / "mosquitto.conf"
    configuration.write_text(render(chosen), encoding="utf-8")
    with (folder / "mosquitto.log").open("wb") as log:
        process = start_tied([find_mosquitto(), "-c", str(configuration)], stdout=log, stderr=log)
    try:
        wait_until(lambda: _listens(port))
        yield port
    finally:
        stop(process)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True
