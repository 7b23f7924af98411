"""Typed reading of JSON objects that somebody else wrote.

Owns nothing but the checks: each reader returns a value of the asked type or raises `FieldError`,
whose one-line message names the field. Callers translate it into their own error.
"""

import math
from collections.abc import Mapping
from typing import Any

# What integers may be. Those of a peer are counted on from: with these bounds one more always fits
# 64 bits, and text. An integer of thousands of digits can be read, but not always written again.
LEAST_INTEGER, GREATEST_INTEGER = -(2**63), 2**62
GREATEST_COUNTER = 2**53


class FieldError(ValueError):
    """A field is missing or has the wrong type."""


class Fields:
    """A JSON object, read field by field."""

    __slots__ = ("_object", "_where")

    def __init__(self, value: object, where: str = "") -> None:
        if not isinstance(value, Mapping):
            subject = f"'{where}'" if where else "the document"
            raise FieldError(f"{subject} must be a JSON object")
        self._object: Mapping[str, Any] = value
        self._where = f"{where}." if where else ""

    def __contains__(self, name: str) -> bool:
        return name in self._object

    def raw(self, name: str) -> object:
        """The field as it is; raises `FieldError` if it is missing."""
        if name not in self._object:
            raise FieldError(f"'{self._where}{name}' is missing")
        return self._object[name]

    def text(self, name: str) -> str:
        value = self.raw(name)
        if not isinstance(value, str):
            raise self._wrong(name, "a string")
        return value

    def optional_text(self, name: str) -> str | None:
        return None if self._object.get(name) is None else self.text(name)

    def integer(self, name: str) -> int:
        """The field, from `LEAST_INTEGER` to `GREATEST_INTEGER`."""
        value = self.raw(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(name, "an integer")
        return self._bounded(name, value)

    def counter(self, name: str) -> int:
        """An integer that peers count on from: far from the end, so that there is room to count."""
        value = self.integer(name)
        if not 0 <= value <= GREATEST_COUNTER:
            raise self._wrong(name, "an integer from 0 to 2^53")
        return value

    def number(self, name: str) -> float:
        return self._finite(name, self.raw(name))

    def optional_number(self, name: str) -> float | None:
        return None if self._object.get(name) is None else self.number(name)

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.raw(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(name, "a list of strings")
        return tuple(value)

    def integers(self, name: str) -> tuple[int, ...]:
        value = self.raw(name)
        if not isinstance(value, list) or not all(type(item) is int for item in value):
            raise self._wrong(name, "a list of integers")
        return tuple(self._bounded(name, item) for item in value)

    def numbers(self, name: str) -> tuple[float, ...]:
        value = self.raw(name)
        if not isinstance(value, list):
            raise self._wrong(name, "a list of numbers")
        return tuple(self._finite(name, item) for item in value)

    def child(self, name: str) -> "Fields":
        return Fields(self.raw(name), f"{self._where}{name}")

    def children(self, name: str) -> tuple["Fields", ...]:
        value = self.raw(name)
        if not isinstance(value, list):
            raise self._wrong(name, "a list of objects")
        return tuple(Fields(item, f"{self._where}{name}[{i}]") for i, item in enumerate(value))

    def names(self) -> tuple[str, ...]:
        return tuple(self._object)

    def _bounded(self, name: str, value: int) -> int:
        if not LEAST_INTEGER <= value <= GREATEST_INTEGER:
            raise self._wrong(name, "an integer of at most 62 bits")
        return value

    def _finite(self, name: str, value: object) -> float:
        """JSON as Python reads it may hold NaN, infinities, and integers beyond any float."""
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self._wrong(name, "a number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self._wrong(name, "a finite number")
        return number

    def _wrong(self, name: str, wanted: str) -> FieldError:
        return FieldError(f"'{self._where}{name}' must be {wanted}")
