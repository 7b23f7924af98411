"""How often the log may repeat itself: the first few of a kind in each window of time.

Pure: time is an argument, monotonic, in seconds. What is held back is counted, and told when the
window is over.
"""

from dataclasses import dataclass

Kind = tuple[str, str]

# Kinds beyond this many share one window: what decides them should be bounded, and may not be.
_MOST_KINDS = 256
_REST: Kind = ("other", "")


@dataclass(frozen=True, slots=True)
class Suppressed:
    """So many events of a kind were held back in a window that is over."""

    kind: Kind
    count: int


@dataclass(slots=True)
class _Window:
    opened_at: float
    count: int = 0


class LogLimit:
    """Admits `burst` events of each kind in `window_s` seconds."""

    def __init__(self, *, burst: int = 5, window_s: float = 60.0) -> None:
        self._burst = burst
        self._window_s = window_s
        self._windows: dict[Kind, _Window] = {}
        self._over: list[Suppressed] = []

    def admits(self, kind: Kind, now: float) -> bool:
        """Count an event; whether it may be written."""
        window = self._windows.get(kind)
        if window is None and len(self._windows) >= _MOST_KINDS:
            kind = _REST
            window = self._windows.get(kind)
        if window is not None and self._is_over(window, now):
            self._close(kind, window)
            window = None
        if window is None:
            window = self._windows[kind] = _Window(now)
        window.count += 1
        return window.count <= self._burst

    def take_suppressed(self, now: float) -> list[Suppressed]:
        """What was held back in windows that are over; each is told once."""
        for kind, window in list(self._windows.items()):
            if self._is_over(window, now):
                self._close(kind, window)
                del self._windows[kind]
        over, self._over = self._over, []
        return over

    def _is_over(self, window: _Window, now: float) -> bool:
        return now - window.opened_at >= self._window_s

    def _close(self, kind: Kind, window: _Window) -> None:
        if window.count > self._burst:
            self._over.append(Suppressed(kind, window.count - self._burst))
