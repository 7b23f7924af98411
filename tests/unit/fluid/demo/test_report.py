"""What is printed: the table for people and the line for programs."""

import json
from io import StringIO

from rich.console import Console, RenderableType

from fluid.bundle import InputSpec, Manifest, Stage, SubNetwork
from fluid.demo.measurement import Observation, summarise
from fluid.demo.report import accuracy_table, json_line, phase_table
from tests.unit.fluid.demo.examples import BOTH, observed

MANIFEST = Manifest(
    name="digits",
    family="fluid",
    algorithm="nested",
    input=InputSpec((8, 8, 1)),
    classes=("0", "1"),
    slots=("lower",),
    widths=(1.0,),
    stages=(Stage("lower50", "lower50.tflite", "lower", 1.0, "0" * 64, 1),),
    subnetworks=(SubNetwork("lower50", ("lower50",), 0.98, 0.975), SubNetwork("?", ())),
)
KILLED = summarise(
    "HA, worker killed",
    [
        observed(*BOTH, latency_ms=10.0),
        observed("master", subnetwork="lower50", latency_ms=30.0),
        Observation(3, 99.0, problem="timeout"),
    ],
    elapsed_s=0.5,
    duplicates=1,
)


def _printed(table: RenderableType, *, width: int = 200) -> list[list[str]]:
    console = Console(file=StringIO(), width=width)
    console.print(table)
    assert isinstance(console.file, StringIO)
    rows = console.file.getvalue().splitlines()
    return [[cell.strip() for cell in row.strip("│").split("│")] for row in rows if "│" in row]


def test_a_phase_is_one_row() -> None:
    assert _printed(phase_table([KILLED])) == [
        [
            "HA, worker killed",
            "ha",
            "master+worker, master",
            "100, lower50",
            "3",
            "2",
            "1",
            "1",
            "100.00%",
            "4",
            "20.0",
            "29.8",
        ]
    ]


def test_in_a_narrow_terminal_it_is_said_what_was_answered_and_how_well() -> None:
    (row,) = _printed(phase_table([KILLED]), width=80)
    assert row == ["HA, worker killed", "3", "2", "1", "1", "100.00%", "4"]


def test_accuracies_are_shown_or_absent() -> None:
    assert _printed(accuracy_table(MANIFEST)) == [
        ["lower50", "98.00%", "97.50%"],
        ["?", "-", "-"],
    ]


def test_the_line_for_programs_is_the_word_demo_and_a_json_object() -> None:
    line = json_line(MANIFEST, [KILLED])
    assert "\n" not in line
    assert line.startswith("DEMO ")
    assert json.loads(line.removeprefix("DEMO ")) == {
        "subnetworks": {
            "lower50": {"float": 0.98, "int8": 0.975},
            "?": {"float": None, "int8": None},
        },
        "phases": [
            {
                "phase": "HA, worker killed",
                "mode": "ha",
                "devices": ["master", "worker"],
                "subnetworks": ["100", "lower50"],
                "sent": 3,
                "answered": 2,
                "lost": 1,
                "duplicates": 1,
                "accuracy": 1.0,
                "images_per_s": 4.0,
                "p50_ms": 20.0,
                "p99_ms": 29.8,
            }
        ],
    }
