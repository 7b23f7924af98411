"""How results are kept: figures by part, case and quantity, and series over time. Pure.

A part yields readings, one repetition at a time; here they become figures, and figures the JSON
document that `--json` writes and `--compare` reads.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fluid.bench.errors import BadResults
from fluid.bench.statistics import Sample
from fluid.fields import FieldError, Fields

FORMAT_VERSION = 1
RATIO = "ratio"

Case = tuple[str, ...]


class Better(StrEnum):
    """Which way a quantity is good; NEITHER for what only explains another."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Quantity:
    unit: str
    better: Better


QUANTITIES: Mapping[str, Quantity] = {
    "images_per_s": Quantity("images/s", Better.HIGHER),
    "accuracy": Quantity("share", Better.HIGHER),
    "p50_ms": Quantity("ms", Better.LOWER),
    "p99_ms": Quantity("ms", Better.LOWER),
    "bytes_per_image": Quantity("bytes", Better.LOWER),
    "errors": Quantity("requests", Better.LOWER),
    "lost": Quantity("requests", Better.LOWER),
    "agents_cores": Quantity("cores", Better.NEITHER),
    "agents_of_share": Quantity("share", Better.NEITHER),
    "broker_cores": Quantity("cores", Better.NEITHER),
    "generator_cores": Quantity("cores", Better.NEITHER),
    "efficiency": Quantity("share", Better.HIGHER),
    "of_bare": Quantity("share", Better.HIGHER),
    "bare_images_per_s": Quantity("images/s", Better.NEITHER),
    "bare_invoke_ms": Quantity("ms", Better.NEITHER),
    "to_ht_s": Quantity("s", Better.LOWER),
    "to_ha_s": Quantity("s", Better.LOWER),
    "switches_to_ht": Quantity("switches", Better.LOWER),
    "switches_to_ha": Quantity("switches", Better.LOWER),
    "gap_s": Quantity("s", Better.LOWER),
    "slowest_s": Quantity("s", Better.LOWER),
    "resident_mb": Quantity("MB", Better.LOWER),
    "start_s": Quantity("s", Better.LOWER),
    RATIO: Quantity("", Better.HIGHER),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """A quantity in one repetition. note: what a person should know of it."""

    case: Case
    quantity: str
    value: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """Columns of equal length, such as what happened in each half of a second."""

    case: Case
    columns: Mapping[str, Sequence[float | str | None]]


@dataclass(frozen=True, slots=True)
class Figure:
    """A quantity in all repetitions. notes: those of the readings, each once."""

    case: Case
    quantity: str
    sample: Sample
    notes: tuple[str, ...] = ()

    @property
    def median(self) -> float:
        return self.sample.median


@dataclass(frozen=True, slots=True)
class PartResults:
    """What one part of the benchmark has measured. problem: why it ended early, or ""."""

    figures: tuple[Figure, ...] = ()
    series: tuple[Series, ...] = ()
    problem: str = ""

    def find(self, case: Case, quantity: str) -> Figure | None:
        """The figure of a case and quantity, if it was measured."""
        for figure in self.figures:
            if (figure.case, figure.quantity) == (case, quantity):
                return figure
        return None

    def cases(self, quantity: str) -> tuple[Case, ...]:
        """The cases of a quantity, in the order in which they were measured."""
        return tuple(each.case for each in self.figures if each.quantity == quantity)

    @property
    def ratios(self) -> dict[str, float]:
        """The medians of its ratios by their names."""
        return {each.case[0]: each.median for each in self.figures if each.quantity == RATIO}


@dataclass(frozen=True, slots=True)
class Results:
    """A run of the benchmark. machine, settings: as said, by their names for people."""

    machine: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, PartResults] = field(default_factory=dict)

    def with_part(self, name: str, part: PartResults) -> "Results":
        """These, and another part."""
        return Results(self.machine, self.settings, {**self.parts, name: part})

    def to_json(self) -> dict[str, Any]:
        """JSON-ready values. `ratios` is what the paper is about, where that part was run."""
        ratios = self.parts["paper"].ratios if "paper" in self.parts else {}
        return {
            "format_version": FORMAT_VERSION,
            "machine": dict(self.machine),
            "settings": dict(self.settings),
            "ratios": ratios,
            "parts": {name: _part_to_json(part) for name, part in self.parts.items()},
        }

    @classmethod
    def from_json(cls, document: object) -> "Results":
        """Raises `BadResults` for what `to_json` did not make."""
        try:
            fields = Fields(document)
            if (version := fields.integer("format_version")) != FORMAT_VERSION:
                raise BadResults(f"results of format version {version}, not {FORMAT_VERSION}")
            parts = fields.raw("parts")
            if not isinstance(parts, dict):
                raise FieldError("'parts' must be an object")
            return cls(
                machine=_texts(fields.raw("machine")),
                settings=_texts(fields.raw("settings")),
                parts={str(name): _part_from_json(Fields(part)) for name, part in parts.items()},
            )
        except FieldError as error:
            raise BadResults(f"no results of 'fluid bench': {error}") from error


def collect(readings: Iterable[Reading | Series], *, problem: str = "") -> PartResults:
    """Put the readings of all repetitions together, in the order of the first of each."""
    values: dict[tuple[Case, str], list[float]] = {}
    notes: dict[tuple[Case, str], dict[str, None]] = {}
    series: list[Series] = []
    for reading in readings:
        if isinstance(reading, Series):
            series.append(reading)
            continue
        key = (reading.case, reading.quantity)
        values.setdefault(key, []).append(reading.value)
        notes.setdefault(key, {}).update({reading.note: None} if reading.note else {})
    figures = (
        Figure(case, quantity, Sample(tuple(found)), tuple(notes[case, quantity]))
        for (case, quantity), found in values.items()
    )
    return PartResults(tuple(figures), tuple(series), problem)


def _part_to_json(part: PartResults) -> dict[str, Any]:
    document: dict[str, Any] = {"ratios": part.ratios} if part.ratios else {}
    document["problem"] = part.problem
    document["figures"] = [
        {
            "case": list(each.case),
            "quantity": each.quantity,
            "unit": QUANTITIES[each.quantity].unit,
            "median": each.median,
            "spread": each.sample.spread,
            "values": list(each.sample.values),
            "notes": list(each.notes),
        }
        for each in part.figures
    ]
    document["series"] = [
        {"case": list(each.case), "columns": {k: list(v) for k, v in each.columns.items()}}
        for each in part.series
    ]
    return document


def _part_from_json(fields: Fields) -> PartResults:
    return PartResults(
        figures=tuple(_figures_from_json(fields)),
        series=tuple(
            Series(each.texts("case"), _columns(each.raw("columns")))
            for each in fields.children("series")
        ),
        problem=fields.text("problem"),
    )


def _figures_from_json(fields: Fields) -> Iterator[Figure]:
    for each in fields.children("figures"):
        quantity, values = each.text("quantity"), each.numbers("values")
        if quantity not in QUANTITIES or not values:
            raise FieldError(f"a figure of {quantity!r} with {len(values)} values")
        yield Figure(each.texts("case"), quantity, Sample(values), each.texts("notes"))


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise FieldError("'machine' and 'settings' must be objects")
    return {str(name): str(text) for name, text in value.items()}


def _columns(value: object) -> dict[str, list[float | str | None]]:
    if not isinstance(value, dict) or not all(isinstance(each, list) for each in value.values()):
        raise FieldError("'columns' must be lists by name")
    return value
