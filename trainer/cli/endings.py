"""How a command ends that is interrupted, or cannot write where it was told to."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from fluid.cli.errors import ExitCode
from trainer.errors import ExportError


@contextmanager
def interruptible(advice: Callable[[], str]) -> Iterator[None]:
    """Ctrl-C ends the command with a line that says how to go on, which `advice` gives then."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"interrupted; {advice()}", err=True)
        sys.exit(ExitCode.INTERRUPTED)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Raise `ExportError` for what the operating system refuses."""
    try:
        yield
    except OSError as error:
        raise ExportError(f"{folder}: cannot be written ({error.strerror})") from error
