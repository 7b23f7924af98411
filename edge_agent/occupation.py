"""For how long a thread has been at work, and not waiting for some."""

# Twice for each heartbeat, so that each tells of an interval that has just ended.
_REPORT_S = 0.25


class Occupation:
    """Told by the thread when it begins to wait and when it has something; all in seconds of one
    monotonic clock."""

    def __init__(self, now: float) -> None:
        self._began_at = now
        self._waits_since: float | None = None
        self._waited_s = 0.0
        self._report_at = now

    def waits(self, now: float) -> None:
        """From now on there is nothing to do."""
        self._waits_since = now

    def works(self, now: float) -> None:
        """There is something again."""
        if self._waits_since is not None:
            self._waited_s += now - self._waits_since
            self._waits_since = None

    def report_ms(self, now: float) -> float | None:
        """The total, if it is time to tell it again."""
        if now < self._report_at:
            return None
        self._report_at = now + _REPORT_S
        return self.total_ms(now)

    def total_ms(self, now: float) -> float:
        """At work since the beginning."""
        waiting_s = 0.0 if self._waits_since is None else now - self._waits_since
        return 1000 * (now - self._began_at - self._waited_s - waiting_s)
