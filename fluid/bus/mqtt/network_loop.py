"""Moves the bytes of one connection: what paho's own network loop would do.

Runs in the link's thread. It decides when the connection is read and written and when commands run,
not what is sent nor how the link ends.
"""

import selectors
import time
from collections.abc import Callable

from fluid.bus.mqtt.command_queue import CommandQueue
from fluid.bus.mqtt.packet_stream import PacketStream
from fluid.bus.mqtt.packets import StreamClient

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
        self, client: StreamClient, stream: PacketStream, *, read: Callable[[StreamClient], None]
    ) -> str:
        """Go on until the connection is over or the deadline has passed, and return "", or until
        more waits for the broker than may, and return what to say of it.

        read: called when there is something to read.
        """
        with selectors.DefaultSelector() as selector:
            selector.register(stream.connection, selectors.EVENT_READ)
            selector.register(self._commands.bell, selectors.EVENT_READ)
            while client.stream() is not None and not self._overdue():
                if why := self._commands.overrun():
                    return why
                self._turn(client, stream, selector, read)
                client.loop_misc()  # keepalive
        return ""

    def _overdue(self) -> bool:
        return self.deadline_s is not None and time.monotonic() > self.deadline_s

    def _turn(
        self,
        client: StreamClient,
        stream: PacketStream,
        selector: selectors.BaseSelector,
        read: Callable[[StreamClient], None],
    ) -> None:
        """Wait for something to do, and do it."""
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if stream.has_unsent else 0)
        if selector.get_key(stream.connection).events != wanted:
            selector.modify(stream.connection, wanted)
        to_read = stream.has_more
        # The last bytes may have gone at the end of the last turn: nothing else would wake us.
        to_command = self._called and not stream.has_unsent
        for key, events in selector.select(0 if to_read or to_command else self._tick_s):
            if key.fileobj is self._commands.bell:
                self._commands.silence_bell()
                self._called = True
                continue
            to_read |= bool(events & selectors.EVENT_READ)
            if events & selectors.EVENT_WRITE:
                self._flush(client, stream)
        # While the socket takes no more, commands wait in the backlog, which has a bound, and not
        # in the stream, which has none.
        if self._called and (self._commands.closing or not stream.has_unsent):
            self._called = False
            for command in self._commands.take():
                command(client)
            self._flush(client, stream)
        if to_read:
            read(client)
        self._flush(client, stream)

    def _flush(self, client: StreamClient, stream: PacketStream) -> None:
        if client.want_write():
            client.loop_write()
        was_full = stream.is_full
        if stream.flush():
            client.has_written()
            if was_full:
                client.has_made_room()
