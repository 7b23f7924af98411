"""Moves the bytes of one connection: what paho's own network loop would do.

Runs in the link's thread. It decides when paho reads and writes and when commands run, not what
is sent nor how the link ends.
"""

import selectors
import socket
import ssl
import time
from collections.abc import Callable

from paho.mqtt.client import Client

from fluid.bus.mqtt.command_queue import CommandQueue

_TICK_S = 1.0  # how often keepalive is looked at when nothing else happens


class NetworkLoop:
    """deadline_s: when to give up, by the monotonic clock; None for never."""

    def __init__(self, commands: CommandQueue, *, keepalive_s: int) -> None:
        self.deadline_s: float | None = None
        self._commands = commands
        # Often enough that keepalive is never late by much.
        self._tick_s = min(_TICK_S, keepalive_s / 4) if keepalive_s else _TICK_S
        self._called = False  # commands may wait

    def run(
        self, client: Client, connection: socket.socket, *, has_read: Callable[[Client], None]
    ) -> str:
        """Go on until the connection is over or the deadline has passed, and return "", or until
        more waits for the broker than may, and return what to say of it.

        has_read: called each time that paho has read.
        """
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ)
            selector.register(self._commands.bell, selectors.EVENT_READ)
            while client.socket() is not None and not self._overdue():
                if why := self._commands.overrun():
                    return why
                if self._turn(client, connection, selector):
                    has_read(client)
                client.loop_misc()  # keepalive
        return ""

    def _overdue(self) -> bool:
        return self.deadline_s is not None and time.monotonic() > self.deadline_s

    def _turn(
        self, client: Client, connection: socket.socket, selector: selectors.BaseSelector
    ) -> bool:
        """Wait for something to do, and do it; whether paho has read."""
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.want_write() else 0)
        if selector.get_key(connection).events != wanted:
            selector.modify(connection, wanted)
        # What TLS has decrypted already is not seen by the selector.
        buffered = isinstance(connection, ssl.SSLSocket) and connection.pending() > 0
        for key, events in selector.select(0 if buffered else self._tick_s):
            if key.fileobj is self._commands.bell:
                self._commands.silence_bell()
                self._called = True
            elif events & selectors.EVENT_WRITE:
                client.loop_write()
            buffered |= key.fileobj is connection and bool(events & selectors.EVENT_READ)
        # While the socket takes no more, commands wait in the backlog, which has a bound, and not
        # in paho, which has none.
        if self._called and (self._commands.closing or not client.want_write()):
            self._called = False
            for command in self._commands.take():
                command(client)
        if buffered:
            client.loop_read()
        return buffered
