"""The option `--json`, the same for all commands that print data."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])


def json_option(meaning: str = "Print one JSON object.") -> Callable[[_Command], _Command]:
    """Add `--json`, which the command gets as `as_json`; meaning: what its help says."""
    return click.option("--json", "as_json", is_flag=True, help=meaning)
