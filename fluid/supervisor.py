"""Processes with a name and a log each, none of which outlives the program that started them.

Owns their lives; knows nothing of what they do. Used by the commands that start a cluster of their
own: the demonstration and the benchmark.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from fluid.errors import ProcessEnded
from fluid.processes import start_tied, stop, tail


class Supervisor:
    """Starts processes and stops all of them when it is left, however it is left.

    Use it in `with`, from one thread that lives as long as it.
    """

    def __init__(self, log_folder: Path) -> None:
        """The output of each process goes to `<log_folder>/<name>.log`."""
        self._log_folder = log_folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self._log_folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # The last started depend on the first, so they go first.
        while self._processes:
            _, process = self._processes.popitem()
            stop(process)

    def run(self, name: str, command: Sequence[str], *, quiet: bool = False) -> None:
        """Run a command to its end, its output on ours; raises `ProcessEnded` if it fails.

        quiet: without its standard output.
        """
        self._expect_new(name)
        sys.stdout.flush()
        self._processes[name] = start_tied(command, stdout=subprocess.DEVNULL if quiet else None)
        status = self._processes[name].wait()
        del self._processes[name]
        if status:
            raise ProcessEnded(f"{name} ended with status {status}")

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a process that stays. Restarted under its name, it goes on with its log."""
        self._expect_new(name)
        with self.log(name).open("ab") as log:
            self._processes[name] = start_tied(command, stdout=log, stderr=log)

    def start_and_read_line(self, name: str, command: Sequence[str]) -> str:
        """As `start`, but wait for the first line on its standard output, and return it.

        The rest of its standard output is not read; it must write no more there.
        Raises `ProcessEnded` if it ends before.
        """
        self._expect_new(name)
        read_end, write_end = os.pipe()
        with os.fdopen(read_end, "rb") as output:
            with self.log(name).open("ab") as log, os.fdopen(write_end, "wb") as write_file:
                self._processes[name] = start_tied(command, stdout=write_file, stderr=log)
            line = output.readline().decode().strip()
        if not line:
            raise self._ended(name, self._processes[name].wait())
        return line

    def wait(self, name: str) -> None:
        """Wait until a process ends by itself; raises `ProcessEnded` if it fails."""
        if status := self._processes[name].wait():
            raise self._ended(name, status)
        del self._processes[name]

    def pid(self, name: str) -> int:
        """The process id of a process that was started and not ended by us."""
        return self._processes[name].pid

    def stop(self, name: str) -> None:
        """End a process in good order, with SIGTERM, and wait until it has ended."""
        stop(self._processes.pop(name))

    def kill(self, name: str) -> None:
        """End a process with SIGKILL, as a power cut would."""
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def is_running(self, name: str) -> bool:
        """Whether it was started and not killed; see `check` for those that ended unasked."""
        return name in self._processes

    def check(self) -> None:
        """Raise `ProcessEnded` if a process has ended that nobody ended."""
        for name, process in self._processes.items():
            if (status := process.poll()) is not None:
                raise self._ended(name, status)

    def log(self, name: str) -> Path:
        """Where the output of a process goes."""
        return self._log_folder / f"{name}.log"

    def _expect_new(self, name: str) -> None:
        if name in self._processes:
            raise ValueError(f"there is a process {name} already: kill it first")

    def _ended(self, name: str, status: int) -> ProcessEnded:
        return ProcessEnded(f"{name} ended with status {status}\n{tail(self.log(name))}")
