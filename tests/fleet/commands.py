"""Programs of the host that the fleet is built with: run them, and install those that lack."""

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.fleet.progress import Progress


class CommandFailed(Exception):
    """A program ended with an error; the message has the end of what it said."""


_SHOWN_CHARACTERS = 4000
_END_TIMEOUT_S = 10.0
_LAST_WORDS_S = 2.0


def follow(
    command: Sequence[str],
    take_line: Callable[[str], None],
    *,
    timeout_s: float,
    stdin: str = "",
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Run a program, hand over each line that it says (in a thread), return its exit status.

    Whatever ends this call, Ctrl-C for instance, ends all processes of the program.
    Raises `CommandFailed`.
    """
    try:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise CommandFailed(f"{command[0]} is not installed") from error
    listener = threading.Thread(target=_listen, args=(process, take_line), daemon=True)
    listener.start()
    try:
        _say_to(process, stdin)
        code = process.wait(timeout_s)
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"{' '.join(command)}: not done within {timeout_s:g} s") from error
    finally:
        _end(process)
        listener.join(_LAST_WORDS_S)  # or a service that it has started would be waited for
    return code


def run(
    command: Sequence[str],
    *,
    timeout_s: float,
    stdin: str = "",
    progress: Progress | None = None,
) -> str:
    """What a program prints on both channels. Raises `CommandFailed`."""
    lines: list[str] = []

    def take(line: str) -> None:
        lines.append(line)
        if progress is not None:
            progress.at(line.strip())

    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    code = follow(command, take, timeout_s=timeout_s, stdin=stdin, environment=environment)
    output = "".join(lines)
    if code:
        raise CommandFailed(
            f"{' '.join(command)} ended with {code}:\n{output[-_SHOWN_CHARACTERS:]}"
        )
    return output


def ensure_programs(packages: dict[str, str]) -> None:
    """Install with apt what lacks. packages: by program, the Debian package that has it.

    Raises `CommandFailed` where that is impossible, and says what to install.
    """
    missing = sorted({each for program, each in packages.items() if shutil.which(program) is None})
    if not missing:
        return
    wish = " ".join(missing)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise CommandFailed(f"install {wish} (this needs root and apt)")
    progress = Progress(f"the installation of {wish}")
    run(["apt-get", "update"], timeout_s=300, progress=progress)
    run(
        ["apt-get", "install", "-y", "--no-install-recommends", *missing],
        timeout_s=900,
        progress=progress,
    )


def _say_to(process: "subprocess.Popen[str]", text: str) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError), process.stdin:  # it may end without having read it
        process.stdin.write(text)


def _listen(process: "subprocess.Popen[str]", take_line: Callable[[str], None]) -> None:
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            take_line(line)


def _end(process: "subprocess.Popen[str]") -> None:
    """The program, unless it has ended, and what it has started: they are a session."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_END_TIMEOUT_S)
