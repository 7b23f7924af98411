"""What is said to the service manager that started us: the datagrams of sd_notify(3).

Only the words and the socket: what is said when is `edge_agent.service_observer`'s. Whoever was not
started by such a manager says nothing. It never blocks and never fails the agent.
"""

import os
import socket
import time
from collections.abc import MutableMapping
from contextlib import suppress

_MICROSECONDS = 1_000_000


class ServiceManager:
    """address: of the socket, a path or `@name` for an abstract one; "" for nobody.

    watchdog_s: how long the manager waits for a sign of life; None for ever.
    """

    def __init__(self, address: str = "", *, watchdog_s: float | None = None) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog_s = watchdog_s

    @classmethod
    def of(cls, environment: MutableMapping[str, str]) -> "ServiceManager":
        """The one that the variables name, which are taken out: no child speaks for us."""
        address = environment.pop("NOTIFY_SOCKET", "")
        watchdog_us = environment.pop("WATCHDOG_USEC", "")
        of_process = environment.pop("WATCHDOG_PID", "")
        for_us = of_process in ("", str(os.getpid()))
        watched = address and for_us and watchdog_us.isascii() and watchdog_us.isdigit()
        watchdog_s = int(watchdog_us) / _MICROSECONDS if watched else 0.0
        return cls(address, watchdog_s=watchdog_s or None)

    @property
    def listens(self) -> bool:
        """Whether there is one."""
        return bool(self._address)

    def ready(self) -> None:
        """The agent runs; or what it was asked to reload is loaded."""
        self._say("READY=1")

    def reloading(self) -> None:
        """`ready` is to follow. May be called from a signal handler."""
        monotonic_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._say(f"RELOADING=1\nMONOTONIC_USEC={monotonic_us}")

    def stopping(self) -> None:
        self._say("STOPPING=1")

    def alive(self) -> None:
        """A sign of life for the watchdog."""
        self._say("WATCHDOG=1")

    def status(self, text: str) -> None:
        """A line for people, as `systemctl status` shows it."""
        self._say(f"STATUS={' '.join(text.split())}")

    def _say(self, words: str) -> None:
        if not self._address:
            return
        # A manager that is gone or busy must not cost us anything: the next word may reach it.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.settimeout(0)
            channel.sendto(words.encode(), self._address)
