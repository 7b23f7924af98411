"""docs/troubleshooting.md has every code and exit status, and none that does not exist."""

import re
from pathlib import Path

import pytest

from edge_agent.cli import EXIT_UNUSABLE
from edge_agent.core.node import EXIT_DUPLICATE, EXIT_REFUSED
from edge_agent.runtime import EXIT_FAILED
from fluid.errors import ErrorCode
from tests.docs.pages import ROOT
from tests.docs.reference.codes import command_codes
from tests.docs.tables import by_code, read_table

TEXT = Path(ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
SOURCES = "\n".join(
    path.read_text(encoding="utf-8")
    for folder in ("fluid", "edge_agent", "trainer", "broker", "scripts")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.is_file() and path.suffix in {".py", ""}
)
# Said by the shell, or no message: a topic, a program, a column, a mode, a sub-network.
OF_OTHERS = {
    "fluid: command not found",
    *("mosquitto_pub", "fluid status", "offline", "topics", "queue", "auto"),
    *("50", "100", "slot1-25+slot4-25", "(degraded)", '"degraded":true'),
}


def squeezed(text: str) -> str:
    return re.sub(r"[\s\"',:]+", "", text)


# What the code can say: without values, and with what stands in several strings as one.
SAID = squeezed(re.sub(r"([\"'])\s*\n\s*f?[\"']", "", re.sub(r"\{[^{}\n]*\}+", "", SOURCES)))


def quoted() -> set[str]:
    """What the tables of symptoms quote: the code in their first cells."""
    tables = re.findall(r"^\| (?:what you see|the message) \|.*?(?=^$)", TEXT, re.DOTALL | re.M)
    rows = [row for table in tables for row in table.splitlines()[2:]]
    return {code for row in rows for code in re.findall(r"`([^`]+)`", row.split(" | ")[0])}


@pytest.mark.parametrize("message", sorted(quoted() - OF_OTHERS))
def test_what_the_page_quotes_is_said_somewhere(message: str) -> None:
    # `...`, numbers, names in capitals and commands in quotes stand for what differs.
    for part in re.split(r"\.\.\.|\b\d+\b|\b[A-Z]{4,}\b|'[^']+'", message):
        assert squeezed(part) in SAID


def test_every_code_of_a_request_is_on_the_page_and_no_other() -> None:
    assert set(by_code(read_table(TEXT, "code of a request | what to do"))) == set(ErrorCode)


def test_every_code_of_a_command_is_on_the_page_and_no_other() -> None:
    rows = by_code(read_table(TEXT, "code of a command | what to do"))
    assert set(rows) == set(command_codes())


def test_every_exit_status_of_an_agent_is_on_the_page() -> None:
    statuses = {int(row) for row in read_table(TEXT, "status | reason | what to do")}
    assert statuses == {0, EXIT_FAILED, EXIT_UNUSABLE, EXIT_REFUSED, EXIT_DUPLICATE}
