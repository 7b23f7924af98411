"""docs/cli.md lists every command and every exit status, and the commands keep to them."""

import ast
import re
from pathlib import Path

import click
import pytest

from edge_agent.cli import EXIT_UNUSABLE
from edge_agent.core.node import EXIT_DUPLICATE, EXIT_REFUSED
from edge_agent.runtime import EXIT_FAILED
from fluid.cli import main
from fluid.cli.errors import MEANINGS, ExitCode

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
SOURCES = sorted(
    file
    for folder in ("fluid/cli", "fluid/demo", "fluid/bench", "trainer")
    for file in (ROOT / folder).rglob("*.py")
    if file.name != "device_facts.py"  # a program of its own, run by a device's Python
)
NO_DATA = {"completion", "dashboard"}


def rows(section: str) -> list[list[str]]:
    """The cells of all tables' rows in a section, without their heads; an escaped bar is none."""
    _, _, text = PAGE.partition(f"\n## {section}\n")
    body = re.sub(r"^\|.*\n\|[-:|]+\|$", "", text.partition("\n## ")[0], flags=re.MULTILINE)
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in body.splitlines()
        if line.startswith("|")
    ]


def test_the_table_of_exit_codes_is_that_of_the_code() -> None:
    documented = [each for each in rows("Exit codes") if len(each) == 3]
    assert documented == [[str(int(code)), f"`{code.name}`", MEANINGS[code]] for code in ExitCode]


def test_the_agents_exit_codes_are_those_of_its_code() -> None:
    documented = [int(each[0]) for each in rows("Exit codes") if len(each) == 2]
    assert documented == [0, EXIT_FAILED, EXIT_UNUSABLE, EXIT_REFUSED, EXIT_DUPLICATE]


def test_every_command_has_its_row() -> None:
    documented = {each[0].strip("`").split()[1] for each in rows("Commands")}
    assert set(main.list_commands(click.Context(main))) <= documented


@pytest.mark.parametrize(
    "name", [each for each in main.list_commands(click.Context(main)) if each not in NO_DATA]
)
def test_every_command_that_prints_data_prints_json(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert "--json" in {option for each in command.params for option in each.opts}


def test_no_command_ends_with_a_status_that_is_not_documented() -> None:
    statuses = {
        ast.unparse(node.args[0])
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("sys.exit", "ctx.exit")
        and node.args
    }
    assert statuses <= {f"ExitCode.{code.name}" for code in ExitCode}
    assert "ExitCode.FAILED" in statuses
