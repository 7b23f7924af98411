"""How much a link keeps for a broker that is slower than its callers, and what gives way then.

Only counts: whoever owns it holds a lock. What was published at QoS 1 counts until it is confirmed,
all else until it is on the socket. Nothing is refused one by one but messages at QoS 0: to drop an
acknowledgement or an answer would lose it without a word, while a link that ends says so, and
whoever needs it opens another and starts afresh.
"""

# Calls of a link. Some hundred wait when the broker is quick; 6,000 requests at once have some
# thousand wait.
MOST_CALLS = 20_000


class Backlog:
    """Calls that wait, and the bytes of their messages. The last admitted may exceed `most_bytes`,
    so that every message can be sent alone.

    dropped: how many messages at QoS 0 were.
    """

    def __init__(self, most_bytes: int, most_calls: int = MOST_CALLS) -> None:
        self._most_bytes = most_bytes
        self._most_calls = most_calls
        self._half_calls, self._half_bytes = most_calls / 2, most_bytes / 2
        self._calls = 0
        self._bytes = 0
        self.dropped = 0
        self._overrun = ""

    def overrun(self) -> str:
        """Why the link has to end; empty while it has not."""
        return self._overrun

    def admit(self, size_bytes: int = 0, *, may_be_dropped: bool = False) -> bool:
        """Whether a call may wait: not if it was dropped, or there is an overrun."""
        if self._calls < self._half_calls and self._bytes < self._half_bytes:  # as a rule
            self._calls += 1
            self._bytes += size_bytes
            return True
        fullness = max(self._calls / self._most_calls, self._bytes / self._most_bytes)
        if may_be_dropped and fullness >= 0.5:
            self.dropped += 1
            return False
        if fullness >= 1.0:
            self._overrun = (
                f"is too slow: {self._calls} calls with {self._bytes} bytes wait for it, and no "
                f"more than {self._most_calls} calls or {self._most_bytes} bytes may"
            )
            return False
        self._calls += 1
        self._bytes += size_bytes
        return True

    def leave(self, size_bytes: int = 0, *, calls: int = 1) -> None:
        """Calls that were admitted, of this size in all, wait no more."""
        self._calls -= calls
        self._bytes -= size_bytes
