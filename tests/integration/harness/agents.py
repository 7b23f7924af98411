"""One `edge-agent` as a real process, and what can happen to a device."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from fluid.processes import start_tied, stop
from tests.processes import wait_until

TIMEOUT_S = 60.0  # only to end a failing test: the machine may be busy


class AgentProcess:
    """Starts `edge-agent` with these options, as often as a test wants; all lives share a log."""

    def __init__(self, options: Sequence[str], *, log: Path) -> None:
        self._command = [sys.executable, "-m", "edge_agent", *options]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """What it has written, in all its lives."""
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""

    @property
    def errors(self) -> list[str]:
        """The lines in which it told a person why it ends."""
        return [line for line in self.log.splitlines() if line.startswith("error: ")]

    @property
    def is_started(self) -> bool:
        """Whether it was started and nobody ended it; see `check` for those that ended alone."""
        return self._process is not None

    @property
    def has_ended(self) -> bool:
        """Whether it was started and has ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def start(self) -> None:
        assert self._process is None, "it is started already"
        with self._log.open("ab") as log:
            self._process = start_tied(self._command, stdout=log, stderr=log)

    def kill(self) -> None:
        """SIGKILL, as a power cut."""
        process = self._take()
        process.kill()
        process.wait()

    def suspend(self) -> None:
        """SIGSTOP: its connections stay, and nothing comes from it, as from a hung device."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._running().send_signal(signal.SIGCONT)

    def reload(self) -> None:
        """SIGHUP, as a service manager asks for another bundle."""
        self._running().send_signal(signal.SIGHUP)

    def leave(self) -> int:
        """SIGTERM, as a service manager stops it; returns the exit status."""
        self._running().terminate()
        return self.wait_for_end()

    def wait_for_end(self) -> int:
        """Wait until it ends; returns the exit status."""
        return self._take().wait(TIMEOUT_S)

    def wait_until_it_logs(self, text: str, *, times: int = 1) -> None:
        """Wait until its log has this text, `times` times in all its lives."""
        wait_until(
            lambda: self.log.count(text) >= times or self.check(),
            timeout_s=TIMEOUT_S,
            what=f"{text!r} is not {times} times in the log",
        )

    def check(self) -> bool:
        """Fail if it has ended though nobody ended it; False, for use in conditions."""
        if self._process is not None:
            status = self._process.poll()
            assert status is None, f"the agent has ended with status {status}"
        return False

    def close(self) -> None:
        """End it, whatever state it is in."""
        if self._process is not None:
            self.resume()  # a stopped process keeps SIGTERM for later
            stop(self._take())

    def _running(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None, "it is not started"
        return self._process

    def _take(self) -> "subprocess.Popen[bytes]":
        process = self._running()
        self._process = None
        return process
