"""Programs of the host that the fleet is built with: run them, and install those that lack."""

import os
import shutil
import subprocess
from collections.abc import Sequence


class CommandFailed(Exception):
    """A program ended with an error; the message has the end of what it said."""


_SHOWN_CHARACTERS = 4000


def run(command: Sequence[str], *, timeout_s: float, stdin: str | None = None) -> str:
    """The standard output of a program. Raises `CommandFailed`."""
    try:
        done = subprocess.run(
            list(command),
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
        )
    except FileNotFoundError as error:
        raise CommandFailed(f"{command[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"{' '.join(command)}: not done within {timeout_s:g} s") from error
    if done.returncode:
        raise CommandFailed(
            f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-_SHOWN_CHARACTERS:]}"
        )
    return done.stdout


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
    run(["apt-get", "update", "-qq"], timeout_s=300)
    run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing],
        timeout_s=900,
    )
