"""A real agent under something that listens as systemd does."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from broker import LocalBroker
from fluid.processes import stop

TIMEOUT_S = 60.0  # only to end a failing test


class Manager:
    """The socket of a service manager, and what was said there."""

    def __init__(self, address: Path) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(address))
        self._socket.settimeout(TIMEOUT_S)

    def wait_for(self, wanted: Callable[[str], bool]) -> list[str]:
        """All that is said until something wanted is, which is the last of it."""
        said: list[str] = []
        while not said or not wanted(said[-1]):
            said.append(self._socket.recv(4096).decode())
        return said

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    made = Manager(tmp_path / "notify")
    yield made
    made.close()


@pytest.fixture
def start(manager: Manager, bundle_folder: Path) -> Iterator[Callable[[str], int]]:
    """Starts an agent at a broker; returns its process id."""
    started: list[subprocess.Popen[bytes]] = []

    def run(url: str) -> int:
        variables = {
            "NOTIFY_SOCKET": str(manager.address),
            "WATCHDOG_USEC": "1000000",
            "FLUID_ID": "pi-1",
            "FLUID_BROKER": url,
            "FLUID_BUNDLE": str(bundle_folder),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "edge_agent"],
            env={**os.environ, **variables},
            stderr=subprocess.DEVNULL,
        )
        started.append(process)
        return process.pid

    yield run
    for process in started:
        stop(process)


def is_sign_of_life(said: str) -> bool:
    return said == "WATCHDOG=1"


def test_it_tells_its_whole_life(manager: Manager, start: Callable[[str], int]) -> None:
    with LocalBroker() as broker:
        pid = start(broker.url)
        assert "READY=1" in manager.wait_for(is_sign_of_life)
        manager.wait_for(lambda said: said == "STATUS=serves in ha; leads; members: 1")
        manager.wait_for(is_sign_of_life)
        os.kill(pid, signal.SIGHUP)
        manager.wait_for(lambda said: said.startswith("RELOADING=1\nMONOTONIC_USEC="))
        manager.wait_for(lambda said: said == "READY=1")
        os.kill(pid, signal.SIGTERM)
        manager.wait_for(lambda said: said == "STOPPING=1")


def test_a_broker_that_is_down_does_not_get_it_killed(
    manager: Manager, start: Callable[[str], int]
) -> None:
    start("mqtt://127.0.0.1:9")
    assert "READY=1" in manager.wait_for(lambda said: said.startswith("STATUS=not connected"))
    for _ in range(3):
        manager.wait_for(is_sign_of_life)
