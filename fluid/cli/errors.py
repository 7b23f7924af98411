"""How a command ends that could not do what it was asked."""

from typing import IO, Any

import click


class CommandFailed(click.ClickException):
    """One line `error: ...` on stderr, and exit status 1."""

    exit_code = 1

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"error: {self.message}", file=file, err=file is None)
