"""What waits for the thread that owns the state, and how much of it may.

Only the links' threads can bring without end, so only they wait when too much is here: then they
read nothing, TCP slows the broker down, and the broker keeps what is ours. What the executor, the
loader and signal handlers bring is bounded by what was asked of them (one outcome a job, a job a
request held; one bundle at a time; one signal), so they never wait, and a signal handler may put
something here whatever the thread that it interrupts was about.

What is held already goes before what is new: what the executor has done and what other devices say
is taken before the requests that wait here, so that a device which has more to do than it can do
finishes things, is not taken for dead, and works off what runs under a note, one at a time, without
the whole queue in between. Requests keep their own order.

Nobody waits in a circle. A link's thread waits for the state thread. The state thread waits for no
link: to post to one never blocks (see `fluid.bus.mqtt.link`), and what it causes itself on a bus
without threads is taken in at once.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

# Messages of each kind, as a rule of some hundred bytes.
MOST_FROM_LINKS = 1000
# Taken and carried out together under load. More would make the first wait for the last.
MOST_AT_ONCE = 64

_Item = TypeVar("_Item")
_Entry = tuple[_Item, threading.Semaphore | None]  # and the room that it takes, if it takes any


class Inbox(Generic[_Item]):
    """A queue with one reader. Links' threads use `put_patiently`, all others `put`.

    most: of each kind. can_wait: of an item, whether those that cannot go before it. Each kind
    keeps its order, and has room of its own: however many requests wait here, they do not keep out
    what cannot wait.
    """

    def __init__(
        self,
        most: int = MOST_FROM_LINKS,
        *,
        can_wait: Callable[[_Item], bool] = lambda _item: False,
    ) -> None:
        self._items: queue.SimpleQueue[_Entry[_Item]] = queue.SimpleQueue()
        self._pressing_room = threading.Semaphore(most)
        self._patient_room = threading.Semaphore(most)
        self._can_wait = can_wait
        self._reader: int | None = None
        self._closed = False
        # The reader's own: what it has looked at.
        self._pressing: deque[_Entry[_Item]] = deque()
        self._patient: deque[_Entry[_Item]] = deque()

    def put(self, item: _Item) -> None:
        """Never waits. May be called from a signal handler."""
        self._items.put((item, None))

    def put_patiently(self, item: _Item) -> None:
        """Wait until there is room; once the inbox is closed the item is dropped."""
        if threading.get_ident() == self._reader:
            self.put(item)
            return
        room = self._patient_room if self._can_wait(item) else self._pressing_room
        room.acquire()
        if self._closed:
            room.release()  # for the next that waits
        else:
            self._items.put((item, room))

    @property
    def has_left(self) -> bool:
        """Whether `take` has left something here that it has seen."""
        return bool(self._pressing or self._patient)

    def take(
        self, *, timeout_s: float, most: int = MOST_AT_ONCE, only_pressing: bool = False
    ) -> list[_Item]:
        """What is here, in its order and up to `most`; if nothing is, wait for one item. Empty
        after `timeout_s`. Whoever calls this is the reader.

        only_pressing: leave here what can wait.
        """
        self._reader = threading.get_ident()
        wanted = (self._pressing,) if only_pressing else (self._pressing, self._patient)
        self._look(wanted, timeout_s)
        taken: list[_Item] = []
        for waiting in wanted:
            while waiting and len(taken) < most:
                item, room = waiting.popleft()
                taken.append(item)
                if room is not None:
                    room.release()
        return taken

    def close(self) -> None:
        """Nobody reads any more: let go of whoever waits for room."""
        self._closed = True
        self._pressing_room.release()
        self._patient_room.release()

    def _look(self, wanted: tuple[deque[_Entry[_Item]], ...], timeout_s: float) -> None:
        """Sort all that is here; wait for something if nothing is that is wanted."""
        give_up_at = time.monotonic() + timeout_s
        try:
            while not any(wanted):
                left_s = max(0.0, give_up_at - time.monotonic())
                self._sort(self._items.get(timeout=left_s))
            while True:
                self._sort(self._items.get_nowait())
        except queue.Empty:
            pass

    def _sort(self, entry: _Entry[_Item]) -> None:
        (self._patient if self._can_wait(entry[0]) else self._pressing).append(entry)
