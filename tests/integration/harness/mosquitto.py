"""The programs that come with Mosquitto, as people use them: requesters that know nothing of us."""

import subprocess
from pathlib import Path

from broker import LocalBroker

_TIMEOUT_S = 60.0  # only to end a failing test


def mosquitto_pub(broker: LocalBroker, topic: str, payload: Path | None, *options: str) -> None:
    """Publish a file, or an empty message."""
    content = ["-n"] if payload is None else ["-f", str(payload)]
    _run(["mosquitto_pub", *_address(broker), "-t", topic, *content, *options])


def mosquitto_rr(broker: LocalBroker, topic: str, payload: bytes, *options: str) -> bytes:
    """Publish a request with a response topic, and wait for the answer.

    The payload is given as an argument (so it must not hold a zero byte), because version 2.0.11
    sends an empty message for `-f` and for `-s`.
    """
    address = ["-V", "5", *_address(broker)]
    command = ["mosquitto_rr", *address, "-t", topic, "-W", str(int(_TIMEOUT_S)), *options, "-m"]
    return _run([*(each.encode() for each in command), payload])


def _address(broker: LocalBroker) -> list[str]:
    return ["-h", "127.0.0.1", "-p", str(broker.port)]


def _run(command: list[str] | list[bytes]) -> bytes:
    return subprocess.run(
        command, stdout=subprocess.PIPE, check=True, timeout=2 * _TIMEOUT_S
    ).stdout
