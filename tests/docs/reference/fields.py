"""The fields of a JSON message: what they are and whether one may leave them out, as its decoder
finds when it is given the message without them, and with `null` in their place."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from fluid.messages import Malformed, Result
from tests.docs.tables import write_table

Decoder = Callable[[bytes], object]

_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "object"}


def table(message: bytes, decode: Decoder, meanings: Mapping[str, str]) -> str:
    """Raises `KeyError` for a field without a meaning."""
    document = json.loads(message)
    rows = []
    for name, value in document.items():
        kind = _kind(value)
        if not _is_malformed(decode, {**document, name: None}):
            kind += " or `null`"
        without = {other: value for other, value in document.items() if other != name}
        rows.append((f"`{name}`", kind, _default(decode, without, name), meanings[name]))
    return write_table(("field", "JSON", "if absent", "meaning"), rows)


def answer_table(least: Result, most: Result, meanings: Mapping[str, str]) -> str:
    """The fields of an answer. least, most: with as few and as many of them as there can be."""
    always = least.to_json()
    rows = [
        (f"`{name}`", _kind(value), "always" if name in always else "sometimes", meanings[name])
        for name, value in most.to_json().items()
    ]
    return write_table(("field", "JSON", "is there", "meaning"), rows)


def example(document: Mapping[str, Any]) -> str:
    return f"```json\n{json.dumps(document, indent=2)}\n```"


def _default(decode: Decoder, without: Mapping[str, Any], name: str) -> str:
    """What a reader takes a field to be that is not there."""
    decoded = decode(json.dumps(without).encode())
    if isinstance(decoded, Malformed):
        return "refused"
    return f"`{json.dumps(getattr(decoded, name))}`"


def _is_malformed(decode: Decoder, document: Mapping[str, Any]) -> bool:
    return isinstance(decode(json.dumps(document).encode()), Malformed)


def _kind(value: object) -> str:
    if isinstance(value, list):
        return f"list of {_kind(value[0])}s" if value else "list of strings"
    if value is None:
        return "string"
    return next(word for kind, word in _TYPES.items() if isinstance(value, kind))
