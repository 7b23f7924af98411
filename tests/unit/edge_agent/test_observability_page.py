"""docs/observability.md lists every event and every metric, and none that does not exist."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.core.peers import Health
from edge_agent.metrics import Metrics
from tests.unit.edge_agent.making import settings

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
SOURCES = sorted((ROOT / "edge_agent").rglob("*.py"))

# Names that are put together, by their constant part: what may follow it.
COMPOSED = {"peer_": tuple(Health)}
# Where the name is handed on: a note's own.
HANDED_ON = "note.event"


def names_in(source: str) -> Iterator[str]:
    """The names of the events that a source makes: `Note(...)` and `LogEvent(...)`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in (
            "Note",
            "LogEvent",
        ):
            yield from _names(node.args[0])


def _names(name: ast.expr) -> Iterator[str]:
    match name:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=[ast.Constant(value=str(prefix)), ast.FormattedValue()]):
            yield from (f"{prefix}{rest}" for rest in COMPOSED[prefix])
        case ast.IfExp(body=body, orelse=orelse):
            yield from _names(body)
            yield from _names(orelse)
        case _:
            assert ast.unparse(name) == HANDED_ON, f"whose name is {ast.unparse(name)}?"


def table(heading: str) -> dict[str, list[str]]:
    """The rows of the first table whose head begins with this word, by their first cell."""
    lines = iter(PAGE.splitlines())
    assert any(line.startswith(f"| {heading} |") for line in lines)
    next(lines)
    rows = {}
    for line in lines:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        rows[cells[0].strip("`")] = cells[1:]
    return rows


def test_every_event_of_the_log_is_on_the_page_and_no_other() -> None:
    made = {name for path in SOURCES for name in names_in(path.read_text(encoding="utf-8"))}
    assert "leaving" in made
    assert set(table("event")) == made


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ('Note("a", {})', {"a"}),
        ('do.Note("a")', {"a"}),
        ('log.info(LogEvent("a" if b else "c"))', {"a", "c"}),
        ('Note(f"peer_{change.health}")', {"peer_online", "peer_suspect", "peer_dead",
                                           "peer_offline"}),
        ("LogEvent(note.event, note.fields)", set()),
    ],
)  # fmt: skip
def test_the_events_of_a_source_are_found(source: str, names: set[str]) -> None:
    assert set(names_in(source)) == names


def test_an_event_whose_name_cannot_be_read_is_not_passed_over() -> None:
    with pytest.raises(AssertionError, match="whose name is text"):
        list(names_in("Note(text)"))


def test_every_metric_is_on_the_page_with_its_type_and_labels_and_no_other() -> None:
    registry = Metrics(settings("a"), version="1").registry
    suffixes = {"counter": "_total", "info": "_info"}
    exposed = {
        family.name + suffixes.get(family.type, ""): family.type
        for family in registry.collect()
        if not family.name.startswith("process_")
    }
    assert {name: cells[0] for name, cells in table("metric").items()} == exposed


def test_the_labels_of_each_metric_are_on_the_page() -> None:
    registry = Metrics(settings("a"), version="1").registry
    rows = table("metric")
    for family in registry.collect():
        for sample in family.samples:
            row = next((cells for name, cells in rows.items() if sample.name == name), None)
            if row is not None:
                assert set(re.findall(r"`(\w+)`", row[1])) == set(sample.labels), sample.name


def test_the_examples_ask_for_metrics_that_exist() -> None:
    registry = Metrics(settings("a"), version="1").registry
    exposed = {sample.name for family in registry.collect() for sample in family.samples}
    asked_for = set(re.findall(r"\bfluid_\w+", PAGE))
    assert "fluid_request_duration_seconds_bucket" in asked_for
    assert asked_for <= exposed | set(table("metric"))
