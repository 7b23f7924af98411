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
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

# Messages, as a rule of some hundred bytes. Requests among them are bounded by --in-flight.
MOST_FROM_LINKS = 1000
# Taken and carried out together under load. More would make the first wait for the last.
MOST_AT_ONCE = 64

_Item = TypeVar("_Item")


class Inbox(Generic[_Item]):
    """A queue with one reader. Links' threads use `put_patiently`, all others `put`.

    can_wait: of an item, whether those that cannot go before it. Each kind keeps its order.
    """

    def __init__(
        self,
        most: int = MOST_FROM_LINKS,
        *,
        can_wait: Callable[[_Item], bool] = lambda _item: False,
    ) -> None:
        self._items: queue.SimpleQueue[tuple[_Item, bool]] = queue.SimpleQueue()
        self._room = threading.Semaphore(most)
        self._can_wait = can_wait
        self._reader: int | None = None
        self._closed = False
        # The reader's own: what it has looked at, and whether it counts.
        self._pressing: deque[tuple[_Item, bool]] = deque()
        self._patient: deque[tuple[_Item, bool]] = deque()

    def put(self, item: _Item) -> None:
        """Never waits. May be called from a signal handler."""
        self._items.put((item, False))

    def put_patiently(self, item: _Item) -> None:
        """Wait until there is room; once the inbox is closed the item is dropped."""
        counts = threading.get_ident() != self._reader
        if counts:
            self._room.acquire()
        if self._closed:
            self._room.release()  # for the next that waits
        else:
            self._items.put((item, counts))

    @property
    def has_left(self) -> bool:
        """Whether `take` has left something here that it has seen."""
        return bool(self._pressing or self._patient)

    def take(self, *, timeout_s: float, most: int = MOST_AT_ONCE) -> list[_Item]:
        """What is here, in its order and up to `most`; if nothing is, wait for one item. Empty
        after `timeout_s`. Whoever calls this is the reader."""
        self._reader = threading.get_ident()
        self._look(timeout_s)
        taken: list[_Item] = []
        for waiting in (self._pressing, self._patient):
            while waiting and len(taken) < most:
                item, counts = waiting.popleft()
                taken.append(item)
                if counts:
                    self._room.release()
        return taken

    def close(self) -> None:
        """Nobody reads any more: let go of whoever waits for room."""
        self._closed = True
        self._room.release()

    def _look(self, timeout_s: float) -> None:
        """Sort all that is here; wait for something if nothing is."""
        try:
            if not (self._pressing or self._patient):
                self._sort(self._items.get(timeout=timeout_s))
            while True:
                self._sort(self._items.get_nowait())
        except queue.Empty:
            pass

    def _sort(self, entry: tuple[_Item, bool]) -> None:
        (self._patient if self._can_wait(entry[0]) else self._pressing).append(entry)
