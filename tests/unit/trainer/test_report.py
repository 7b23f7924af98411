import io
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from fluid.bundle import Bundle, SubNetwork
from tests.unit.fluid.bundle.example import example_bundle
from trainer.report import evaluation_table, training_table

# A person's name for a sub-network, and what Rich takes for an instruction.
NAME = "[bold]both[/]"


def _printed(table: Table) -> str:
    console = Console(file=io.StringIO(), width=100)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_names_are_shown_as_they_are() -> None:
    plain = example_bundle()
    named = replace(plain.manifest, subnetworks=(SubNetwork(NAME, ("lower50",), 0.5, 0.25),))
    printed = _printed(training_table(Bundle(named, plain.models)))
    assert NAME in printed
    assert "50.00%" in printed
    assert NAME in _printed(evaluation_table({NAME: 0.5}))
