"""The way from the callers' threads to the link's: commands in order, a bound, and a bell.

All that several threads share of a link is here, under one lock. It knows nothing of MQTT: what a
command does is its caller's business, and the link's thread alone runs it.
"""

import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from fluid.bus.mqtt.backlog import Backlog
from fluid.bus.mqtt.packets import StreamClient

Command = Callable[[StreamClient], object]

# Then what has arrived is read. A caller's thread in a tight loop posts commands faster than they
# can be sent, because each write to the socket gives the interpreter lock away to it.
_COMMANDS_A_TURN = 100


class _Posted(NamedTuple):
    """See `CommandQueue.post`."""

    command: Command
    size_bytes: int
    may_be_dropped: bool
    stays: bool
    last: bool


class CommandQueue:
    """`post` and `leave_backlog` are for any thread, all else is for the link's.

    bell: readable when there is something to look at. closing: the last command was posted.
    """

    def __init__(self, most_bytes: int) -> None:
        self._lock = threading.Lock()
        self._backlog = Backlog(most_bytes)
        self._commands: deque[_Posted] = deque()
        self._gatherer: int | None = None  # the thread that posts `together`
        self._gathered: list[_Posted] = []
        self._bell_rope, self.bell = socket.socketpair()
        self.closing = False
        self._ended = False

    @property
    def dropped(self) -> int:
        """How many messages at QoS 0 were dropped."""
        return self._backlog.dropped

    def overrun(self) -> str:
        """Why the link has to end, as more waits than may; empty while it has not."""
        return self._backlog.overrun()

    def post(
        self,
        command: Command,
        *,
        size_bytes: int = 0,
        may_be_dropped: bool = False,
        stays: bool = False,
        last: bool = False,
    ) -> None:
        """stays: it waits for the broker also when it was taken, until `leave_backlog`."""
        posted = _Posted(command, size_bytes, may_be_dropped, stays, last)
        if self._gatherer == threading.get_ident():
            self._gathered.append(posted)
        else:
            self._take_in((posted,))

    @contextmanager
    def together(self) -> Iterator[None]:
        """What this thread posts meanwhile is there all at once when this ends: one turn of the
        lock and one ring of the bell, each of which may wake the link's thread."""
        self._gatherer = threading.get_ident()
        try:
            yield
        finally:
            self._gatherer = None
            gathered, self._gathered = self._gathered, []
            if gathered:
                self._take_in(gathered)

    def leave_backlog(self, size_bytes: int, *, calls: int = 1) -> None:
        """Of what stays, so many calls of this size in all wait for the broker no more."""
        with self._lock:
            self._backlog.leave(size_bytes, calls=calls)

    def _take_in(self, posted: Sequence[_Posted]) -> None:
        with self._lock:
            was_empty, rings = not self._commands, False
            for each in posted:
                if self.closing or self._ended or self._backlog.overrun():
                    break  # dropped, as the protocol has it; `Closed` says so
                if each.last:
                    self.closing = rings = True
                elif not self._backlog.admit(each.size_bytes, may_be_dropped=each.may_be_dropped):
                    rings |= bool(self._backlog.overrun())  # the link's thread sees it, and ends
                    continue  # else it is dropped alone, and counted
                self._commands.append(each)
            rings |= was_empty and bool(self._commands)
            if rings and not self._ended:
                self._bell_rope.send(b"\0")

    def silence_bell(self) -> None:
        self.bell.recv(64)

    def take(self) -> list[Command]:
        """The next commands; where more are left, the bell rings again."""
        commands: list[Command] = []
        with self._lock:
            while self._commands and len(commands) < _COMMANDS_A_TURN:
                posted = self._commands.popleft()
                commands.append(posted.command)
                if not (posted.stays or posted.last):
                    self._backlog.leave(posted.size_bytes)
            if self._commands:
                self._bell_rope.send(b"\0")
        return commands

    def end(self) -> bool:
        """Take no more, and forget what waits; whether the last command had been posted."""
        with self._lock:
            self._ended = True
            self._commands.clear()
            self._bell_rope.close()
            self.bell.close()
            return self.closing
