"""What the demonstration prints: a table for people, and one JSON line for programs. Pure."""

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from rich.table import Table
from rich.text import Text

from fluid.bundle import Manifest
from fluid.cli.fitting import Column, FittingTable
from fluid.demo.measurement import PhaseSummary

JSON_PREFIX = "DEMO "
_SAID = ("phase", "mode", "devices", "sub-networks")
_COUNTED = (
    *("sent", "answered", "lost", "twice"),
    *("accuracy", "images/s", "p50 ms", "p99 ms"),
)
# Left out in this order where a terminal is narrow. The phase says the mode, and who is there.
_DISPENSABLE = ("mode", "p50 ms", "p99 ms", "sub-networks", "devices", "images/s", "twice", "sent")


def accuracy_table(manifest: Manifest) -> Table:
    """The accuracy of each sub-network of a bundle, as measured when it was trained."""
    table = Table(title=f"{manifest.name}, test split")
    table.add_column("sub-network")
    table.add_column("float", justify="right")
    table.add_column("int8", justify="right")
    for each in manifest.subnetworks:
        table.add_row(each.name, _percent(each.float_accuracy), _percent(each.int8_accuracy))
    return table


def phase_table(summaries: Sequence[PhaseSummary]) -> FittingTable:
    """One row a phase. Devices that answered an image together are joined by a plus."""
    return FittingTable(
        columns=(
            *map(Column, _SAID),
            *(Column(heading, justify="right") for heading in _COUNTED),
        ),
        rows=tuple(tuple(map(Text, _cells(each))) for each in summaries),
        dispensable=_DISPENSABLE,
        empty=partial(Table, title="what the client saw"),
    )


def _cells(summary: PhaseSummary) -> tuple[str, ...]:
    return (
        summary.phase,
        " ".join(summary.modes),
        ", ".join("+".join(sorted(team)) for team in summary.teams),
        ", ".join(summary.subnetworks),
        str(summary.sent),
        str(summary.answered),
        str(summary.lost),
        str(summary.duplicates),
        _percent(summary.accuracy),
        f"{summary.images_per_s:.0f}",
        _milliseconds(summary.p50_ms),
        _milliseconds(summary.p99_ms),
    )


def json_line(manifest: Manifest, summaries: Sequence[PhaseSummary]) -> str:
    """`DEMO {...}`, with the document in one line."""
    return JSON_PREFIX + json.dumps(document(manifest, summaries))


def document(manifest: Manifest, summaries: Sequence[PhaseSummary]) -> dict[str, Any]:
    """Accuracies are shares in [0, 1], times are in milliseconds."""
    return {
        "subnetworks": {
            each.name: {"float": each.float_accuracy, "int8": each.int8_accuracy}
            for each in manifest.subnetworks
        },
        "phases": [_phase_to_json(each) for each in summaries],
    }


def _phase_to_json(summary: PhaseSummary) -> dict[str, Any]:
    return {
        "phase": summary.phase,
        "mode": " ".join(summary.modes),
        "devices": list(summary.devices),
        "subnetworks": list(summary.subnetworks),
        "sent": summary.sent,
        "answered": summary.answered,
        "lost": summary.lost,
        "duplicates": summary.duplicates,
        "accuracy": _rounded(summary.accuracy, 4),
        "images_per_s": round(summary.images_per_s, 1),
        "p50_ms": _rounded(summary.p50_ms, 3),
        "p99_ms": _rounded(summary.p99_ms, 3),
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
