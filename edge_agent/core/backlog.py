"""Whether this device works off what its session held, or hears requests as they are sent.

A broker keeps what it could not deliver, and one that crashed goes back to what it last saved: a
device may come back to a queue of requests that nobody else has, while another begins with what is
sent now. Each waits for the other then. Only they themselves can know which of them is which.
"""

from edge_agent.core.settings import Timing


class Backlog:
    """What the session of the inference link had for us when the link was opened.

    It counts for as long as anybody waits for others. Whoever has not come to an end with its queue
    by then is better off to take the others for out of step, and to answer without them.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._is_new_link = False
        self._began_at: float | None = None
        self._has_queue = False

    def link_opened(self) -> None:
        self._is_new_link = True

    def link_lost(self) -> None:
        self._is_new_link = self._has_queue = False
        self._began_at = None

    def served(self, now: float, *, window_is_full: bool) -> None:
        """The broker has answered our subscription, after what our session held, as far as there
        was room for it."""
        if not self._is_new_link:
            return
        self._is_new_link = False
        self._began_at = now
        self._has_queue = window_is_full

    def shared(self) -> None:
        """We have come to a request that another device has, too."""
        if self._has_queue:
            self._has_queue = False
            self._began_at = None

    def is_being_worked_off(self, now: float) -> bool:
        """Whether more may come of what our session held."""
        return self._has_queue and self._began_not_long_ago(now)

    def hears_all(self, now: float) -> bool:
        """Whether we have begun with an empty queue not long ago: who hands us what we never heard
        works off a queue of its own, and will come to what we hold."""
        return not self._has_queue and self._began_not_long_ago(now)

    def _began_not_long_ago(self, now: float) -> bool:
        began_at = self._began_at
        return began_at is not None and now - began_at < self._timing.longest_wait_s
