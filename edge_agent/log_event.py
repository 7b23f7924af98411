"""One event of the log as a value, and as a line of text.

Pure. A line is `name key=value ...`. Whatever a value holds, and a peer may have chosen it, the
line stays one line and its values can be told apart.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

Value = str | int | float | tuple[str, ...]

# A topic may have 64 KiB, and a peer may send it again and again.
_MOST_CHARACTERS = 500
# What needs no quotes; all else does, the empty value included.
_PLAIN = re.compile(r'[^\s"=\\]+')
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class LogEvent:
    """What happened, as the message of a `logging` record.

    name and the names of fields are ours, never a peer's. limited_by: lines of the same name and
    the same `limited_by` are written a few times a minute at most; None for no limit. It must be
    one of few values, so nothing that a peer sends.
    """

    name: str
    fields: Mapping[str, Value] = field(default_factory=dict)
    limited_by: str | None = None

    def __str__(self) -> str:
        return self.name + as_text(self.fields)


def as_text(fields: Mapping[str, Value]) -> str:
    """The fields as ` key=value ...`, with a leading space; empty if there are none."""
    return "".join(f" {name}={quoted(value)}" for name, value in fields.items())


def quoted(value: Value) -> str:
    """A value as it stands in a line: in quotes and escaped where it needs to be."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = ",".join(value) if isinstance(value, tuple) else str(value)
    if text.isprintable() and _PLAIN.fullmatch(text):
        return text
    return '"' + "".join(_escaped(character) for character in text) + '"'


def shortened(value: Value) -> Value:
    """A value that fits a line; of a longer text its beginning, and how much is missing."""
    if not isinstance(value, str) or len(value) <= _MOST_CHARACTERS:
        return value
    return f"{value[:_MOST_CHARACTERS]}... and {len(value) - _MOST_CHARACTERS} more"


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    # Control characters, other line ends, lone surrogates and what changes the writing direction.
    return character if character.isprintable() else f"\\u{ord(character):04x}"
