import io
import os
import pty
import threading
from collections.abc import Iterator
from contextlib import redirect_stderr

import pytest

from fluid.cli.progress import progress_bar


class Terminal:
    """A terminal that keeps what it was shown."""

    def __init__(self) -> None:
        self._ours, theirs = pty.openpty()
        self.file = os.fdopen(theirs, "w")
        self._shown = b""
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def shown(self) -> str:
        """All of it; nothing can be shown afterwards."""
        if not self.file.closed:
            self.file.close()
        self._reading.join()
        return self._shown.decode()

    def _read(self) -> None:
        try:
            while part := os.read(self._ours, 4096):
                self._shown += part
        except OSError:  # Linux's way to say that the other end is closed
            pass
        os.close(self._ours)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    yield terminal
    terminal.shown()


def test_a_terminal_shows_how_many_are_done_and_lines_in_between(
    terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    with redirect_stderr(terminal.file), progress_bar("images", total=3) as tally:
        for name in "ab":
            tally.advance()
            tally.say(f"error: [{name}].png")
        tally.advance()
        print("data")  # it stays on stdout
    shown = terminal.shown()
    assert "3/3" in shown
    assert "error: [a].png" in shown
    assert "data" not in shown
    assert shown.rstrip().endswith("\x1b[2K")  # and it has taken the bar away again
    assert capsys.readouterr().out == "data\n"


@pytest.mark.parametrize(("total", "wanted"), [(1, True), (3, False)])
def test_nobody_needs_a_bar_for_one_image_or_beside_other_lines(
    terminal: Terminal,
    total: int,
    *,
    wanted: bool,
) -> None:
    bar = progress_bar("images", total=total, wanted=wanted)
    with redirect_stderr(terminal.file), bar as tally:
        tally.advance()
    assert terminal.shown() == ""


def test_a_file_gets_the_lines_alone() -> None:
    log = io.StringIO()
    with redirect_stderr(log), progress_bar("images", total=3) as tally:
        tally.advance()
        tally.say("error: a.png")
    assert log.getvalue() == "error: a.png\n"
