"""Options that belong together, given to a command as one value."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

Decorator = Callable[[Callable[..., None]], Callable[..., None]]


def option_group(parameter: str, make: Callable[..., Any], *options: Decorator) -> Decorator:
    """Add click options to a command, which gets `make(...)` of their values as `parameter`.

    The options' names are the parameters of `make`, a dataclass for example.
    """
    names = tuple(inspect.signature(make).parameters)

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def with_group(**given: Any) -> None:
            value = make(**{name: given.pop(name) for name in names})
            command(**{parameter: value}, **given)

        decorated: Callable[..., None] = with_group
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate
