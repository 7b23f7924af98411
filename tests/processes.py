"""Looking at processes from the outside, and finding room for them, for tests."""

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

_POLL_S = 0.02


def is_alive(pid: int) -> bool:
    """Whether a process exists and is not merely waiting to be collected by its parent."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:  # ended just now, or not Linux
        return not Path("/proc/self").exists()
    return status.rpartition(")")[2].split()[0] != "Z"


def wait_until(
    condition: Callable[[], bool],
    *,
    timeout_s: float = 30.0,
    what: str = "not so",
    poll_s: float = _POLL_S,
) -> None:
    """Poll until `condition()` holds; raises `AssertionError` after `timeout_s`.

    The time-out is only there to end a failing test: no test depends on its length. what: how it
    stands while the condition does not hold, for the message. poll_s: between two looks, longer
    where a look costs much.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"{what} within {timeout_s:g} s"
        time.sleep(poll_s)


def processes_with(variable: str, value: str) -> list[int]:
    """The ids of all processes that have this environment variable (Linux only).

    A variable that a test sets finds every descendant, also one that got away from its parent.
    """
    entry = f"{variable}={value}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if entry in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except (OSError, ValueError):  # ended just now, somebody else's, or no process
            continue
    return [pid for pid in found if is_alive(pid)]


def free_port() -> int:
    """A loopback port that nobody listens on; it is free until somebody takes it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port
