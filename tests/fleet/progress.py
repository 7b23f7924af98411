"""What a run of many minutes tells whoever waits for it, with the time since it began."""

import time

_QUIET_S = 10.0
_BEGIN = time.monotonic()


def say(text: str) -> None:
    """Print a line now, also into a pipe."""
    seconds = int(time.monotonic() - _BEGIN)
    print(f"[{seconds // 60:02}:{seconds % 60:02}] {text}", flush=True)


class Progress:
    """Of one program that says much: what it is at, now and then."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._said_s = time.monotonic()
        say(f"{name} begins")

    def at(self, step: str) -> None:
        """Tell it, unless something was told just now."""
        now_s = time.monotonic()
        if now_s - self._said_s >= _QUIET_S:
            self._said_s = now_s
            say(f"{self._name}: {step}")
