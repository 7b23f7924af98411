"""Whether this device works off what its session held, or hears requests as they are sent.

A broker keeps what it could not deliver, and one that crashed goes back to what it last saved: a
device may come back to a queue of requests that nobody else has, while another begins with what is
sent now. Each waits for the other then. Only they themselves can know which of them is which.
"""

from edge_agent.core.settings import Timing


class Backlog:
    """What the session of the inference link had for us when the link was opened."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._is_new_link = False
        self._had_none_at: float | None = None
        self.is_being_worked_off = False

    def link_opened(self) -> None:
        self._is_new_link = True

    def link_lost(self) -> None:
        self._is_new_link = self.is_being_worked_off = False
        self._had_none_at = None

    def served(self, now: float, *, window_is_full: bool) -> None:
        """The broker has answered our subscription, after what our session held, as far as there
        was room for it."""
        if not self._is_new_link:
            return
        self._is_new_link = False
        self.is_being_worked_off = window_is_full
        self._had_none_at = None if window_is_full else now

    def shared(self) -> None:
        """We have come to a request that another device has, too."""
        self.is_being_worked_off = False

    def hears_all(self, now: float) -> bool:
        """Whether we have begun with an empty queue not long ago: who hands us what we never heard
        works off a queue of its own, and will come to what we hold."""
        began_at = self._had_none_at
        return began_at is not None and now - began_at < self._timing.longest_wait_s
