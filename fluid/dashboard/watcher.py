"""The thread that hears the cluster and keeps the page's state.

A thin shell: it owns the thread, the clock and the lock, and decides nothing but when to try a
broker again that could not be used at first. `ClusterObserver` has the connection.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from fluid.bus.protocol import Bus, Message
from fluid.client import Answer
from fluid.client.observer import ClusterObserver
from fluid.dashboard.page import Cursor, Page
from fluid.errors import BrokerError, BrokerRefused
from fluid.topics import Topics

_LOOK_S = 0.5  # silence and empty seconds are seen by looking
_RETRY_S = 2.0
_log = logging.getLogger(__name__)


class Watcher:
    """Watches from `start` to `stop`. Everything else may be called from any thread."""

    def __init__(
        self,
        buses: Sequence[Bus],
        topics: Topics,
        page: Page,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """page: used by nobody else from now on; its moments are of `clock`."""
        self._buses = tuple(buses)
        self._topics = topics
        self._page = page
        self._clock = clock
        self._wall_clock = wall_clock
        self._broker_trouble = ""
        self._lock = threading.Lock()
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Disconnect; returns once that is done."""
        self._enough.set()
        self._thread.join()

    @property
    def cursor(self) -> Cursor:
        """Up to where there is something to tell now."""
        with self._lock:
            return self._page.cursor

    def everything(self) -> tuple[dict[str, Any], Cursor]:
        with self._lock:
            return self._page.everything(self._clock()), self._page.cursor

    def news(self, cursor: Cursor) -> tuple[dict[str, Any], Cursor]:
        with self._lock:
            return self._page.news(cursor, self._clock()), self._page.cursor

    @property
    def broker_trouble(self) -> str:
        """Why requests cannot reach the broker just now; "" while they may. One that does not let
        us see the cluster may still take them, and of several brokers the next may."""
        return self._broker_trouble if len(self._buses) == 1 else ""

    def asked(self, answer: Answer) -> None:
        """A request of our own has ended."""
        with self._lock:
            self._page.asked(answer, self._clock())

    def _run(self) -> None:
        said = ""
        while not self._enough.is_set():
            try:
                self._watch()
            except BrokerError as error:
                if str(error) != said:
                    said = str(error)
                    _log.warning("%s; trying again", said)
                self._broker_trouble = "" if isinstance(error, BrokerRefused) else said
                with self._lock:
                    self._set_wall_clock()
                    self._page.lost(said, self._clock())
                self._pause()
            except Exception as error:  # noqa: BLE001 - whatever it is, the page must not look alive
                _log.exception("the page failed; trying again")
                self._broker_trouble = ""
                with self._lock:
                    self._page.stumbled(f"the page failed: {error!r}")
                self._pause()

    def _watch(self) -> None:
        with ClusterObserver(
            self._buses, self._topics, also=self._page.filters, heard=self._heard
        ) as observer:
            while not self._enough.is_set():
                view = observer.wait(_LOOK_S)
                self._broker_trouble = view.trouble
                with self._lock:
                    self._set_wall_clock()
                    self._page.look(view, self._clock())

    def _heard(self, message: Message, now_s: float) -> None:
        with self._lock:
            self._set_wall_clock()
            self._page.heard(message, now_s)

    def _set_wall_clock(self) -> None:
        self._page.set_wall_clock(self._wall_clock(), self._clock())

    def _pause(self) -> None:
        until_s = self._clock() + _RETRY_S
        while not self._enough.wait(_LOOK_S) and self._clock() < until_s:
            with self._lock:
                self._page.advance(self._clock())
