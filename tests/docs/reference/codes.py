"""The codes that our commands end their messages with, found in the source: `... [no_leader]`."""

import ast
import re
from collections.abc import Iterator
from functools import cache

from tests.docs.pages import ROOT

_FLUID, _AGENT = "`fluid`", "`edge-agent`"
# Parts of `fluid` that only its own commands have.
_FLUIDS_OWN = frozenset({"bench", "cli", "client", "demo"})
# At the end of a message: written out, or handed on by a name.
_WRITTEN = re.compile(r"\[([a-z]+(?:_[a-z]+)+)\]$")
_IS_CODE = re.compile(r"[a-z]+(?:_[a-z]+)+")


@cache
def command_codes() -> dict[str, str]:
    """Each code, and which command says it."""
    found: dict[str, set[str]] = {}
    for package in ("fluid", "trainer", "edge_agent"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for code in codes_in(path.read_text(encoding="utf-8")):
                found.setdefault(code, set()).update(_commands_of(path.relative_to(ROOT).parts))
    return {code: ", ".join(sorted(found[code], reverse=True)) for code in sorted(found)}


def _commands_of(parts: tuple[str, ...]) -> set[str]:
    """Who runs a module, by its path."""
    match parts:
        case ("edge_agent", *_):
            return {_AGENT}
        case ("fluid", part, *_) if part not in _FLUIDS_OWN:
            return {_FLUID, _AGENT}
        case _:
            return {_FLUID}


def codes_in(source: str) -> Iterator[str]:
    """Codes that a text ends with, and the values of constants that are called `..._CODE`."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Constant(value=str(text)) if (written := _WRITTEN.search(text)) is not None:
                yield written[1]
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                if name.endswith("_CODE") and _IS_CODE.fullmatch(text):
                    yield text
