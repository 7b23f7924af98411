"""Child processes that never outlive the process that started them.

Owns starting and stopping; knows nothing of what the processes do. Used where a program starts
a private broker or agents of its own (the demo, `python -m broker`, the tests).

- A child gets a session of its own, so that Ctrl-C in the terminal reaches only the parent, which
  then stops its children in the order it wants.
- On Linux the kernel kills a child whose parent dies, even by SIGKILL. It watches the *thread*
  that started the child, so start children from a thread that lives as long as they should, and
  it forgets when the child changes its user, so a child must not drop privileges.
- Elsewhere only a parent that ends in order stops its children.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_EXEC_TIED = Path(__file__).with_name("_exec_tied.py")


def start_tied(
    command: Sequence[str],
    *,
    stdout: IO[bytes] | int | None = None,
    stderr: IO[bytes] | int | None = None,
    environment: Mapping[str, str] | None = None,
) -> "subprocess.Popen[bytes]":
    """Start a child process. Its `pid` is that of the program itself.

    stdout, stderr: as for `subprocess.Popen`. environment: as it stands, or this process's.
    Raises `FileNotFoundError` if the program is not on PATH.
    """
    program = shutil.which(command[0])
    if program is None:
        raise FileNotFoundError(f"{command[0]}: no such program on PATH")
    arguments = [program, *command[1:]]
    if sys.platform == "linux":
        # -I -S: neither the environment nor site-packages may change what this step does.
        tie = [sys.executable, "-I", "-S", str(_EXEC_TIED), str(os.getpid())]
        arguments = [*tie, *arguments]
    return subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        env=environment,
        start_new_session=True,
    )


def stop(process: "subprocess.Popen[bytes]", *, grace_s: float = 5.0) -> int:
    """End a process: SIGTERM, after `grace_s` SIGKILL. Returns its exit status.

    Does nothing to a process that has ended already.
    """
    process.terminate()
    try:
        return process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def tail(log: Path, *, lines: int = 15) -> str:
    """The last lines of a log, for an error message; empty if there is none."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
