"""How a command ends: its exit status, and what it says if it could not do what it was asked.

docs/cli.md has the table of the statuses; a test holds it against `MEANINGS`.
"""

import signal
from enum import IntEnum
from typing import IO, Any

import click

from fluid.cli.printable import MOST_OF_A_MESSAGE, escaped, printable
from fluid.errors import BrokerNotFound, BrokerUnreachable, FluidError, ProcessEnded


class ExitCode(IntEnum):
    """Every status that a command of `fluid` ends with of its own accord."""

    OK = 0
    FAILED = 1
    USAGE = 2  # click's own, too
    INTERRUPTED = 128 + signal.SIGINT
    TERMINATED = 128 + signal.SIGTERM


MEANINGS = {
    ExitCode.OK: "it did what it was asked",
    ExitCode.FAILED: "it could not, or found what it looked for wanting; one line `error: ...` on "
    "stderr says why and what to do, unless the output does",
    ExitCode.USAGE: "an option, an argument or the name of a command cannot be used; nothing was "
    "done",
    ExitCode.INTERRUPTED: "Ctrl-C (SIGINT)",
    ExitCode.TERMINATED: "SIGTERM; `demo` and `bench` end what they started first",
}

# What to do where the message says only what is wrong: the layers below know no options.
_NEXT_STEPS = (
    (BrokerNotFound, "check the name in --broker or FLUID_BROKER"),
    (
        BrokerUnreachable,
        "start a broker there ('python -m broker'), or name another with --broker or FLUID_BROKER",
    ),
)


class CommandFailed(click.ClickException):
    """One line `error: ...` on stderr, and exit status 1."""

    exit_code = ExitCode.FAILED

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"error: {self.message}", file=file, err=file is None)


def explain(error: FluidError) -> str:
    """What is wrong, and what to do next."""
    if isinstance(error, ProcessEnded):  # ends with lines of a log, so it is several itself
        return "\n".join(map(escaped, str(error).split("\n")))
    message = printable(str(error), most=MOST_OF_A_MESSAGE)
    if "; " in message or "?" in message:  # it says what to do itself
        return message
    for kind, step in _NEXT_STEPS:
        if isinstance(error, kind):
            return f"{message}; {step}"
    return message
