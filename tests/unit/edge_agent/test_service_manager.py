import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.service_manager import ServiceManager


class Listener:
    """The manager's end of the socket. address: as NOTIFY_SOCKET has it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self._socket.settimeout(30)

    def next(self) -> str:
        return self._socket.recv(4096).decode()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Listener]:
    name = str(tmp_path / "notify")
    made = Listener(name if request.param == "path" else f"@fluid{name}")
    yield made
    made.close()


def test_what_is_said_arrives_in_the_words_of_sd_notify(listener: Listener) -> None:
    manager = ServiceManager(listener.address)
    manager.ready()
    manager.alive()
    manager.stopping()
    manager.status("not connected:\nno such host")
    assert [listener.next() for _ in range(4)] == [
        "READY=1",
        "WATCHDOG=1",
        "STOPPING=1",
        "STATUS=not connected: no such host",
    ]


def test_a_reload_carries_the_time_at_which_it_began(listener: Listener) -> None:
    before_us = time.monotonic_ns() // 1000
    ServiceManager(listener.address).reloading()
    reloading, _, moment = listener.next().partition("\n")
    assert reloading == "RELOADING=1"
    assert moment.startswith("MONOTONIC_USEC=")
    assert before_us <= int(moment.partition("=")[2]) <= time.monotonic_ns() // 1000


def test_it_is_found_in_the_variables_and_they_are_taken_out() -> None:
    variables = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "30000000", "OTHER": "1"}
    manager = ServiceManager.of(variables)
    assert (manager.listens, manager.watchdog_s) == (True, 30.0)
    assert variables == {"OTHER": "1"}


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "0"},
        {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "soon"},
        {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "9", "WATCHDOG_PID": str(os.getpid() + 1)},
        {"WATCHDOG_USEC": "9"},
    ],
)
def test_without_a_watchdog_of_ours_there_is_none(variables: dict[str, str]) -> None:
    assert ServiceManager.of(variables).watchdog_s is None


def test_without_a_manager_or_with_one_that_is_gone_nothing_happens(tmp_path: Path) -> None:
    ServiceManager().ready()
    ServiceManager(str(tmp_path / "gone")).ready()
    assert not ServiceManager().listens
