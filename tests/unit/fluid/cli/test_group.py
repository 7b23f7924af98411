import importlib.metadata
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from fluid.cli import main
from fluid.cli.group import ENTRY_POINT_GROUP


@pytest.fixture
def bring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> "Bringer":
    return Bringer(monkeypatch, tmp_path)


class Bringer:
    """Makes commands that another package would bring."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._monkeypatch = monkeypatch
        self._folder = folder
        monkeypatch.syspath_prepend(folder)

    def __call__(self, name: str, value: str, source: str) -> None:
        module_name = value.partition(":")[0]
        (self._folder / f"{module_name}.py").write_text(source)
        entry_point = importlib.metadata.EntryPoint(name, value, ENTRY_POINT_GROUP)
        self._monkeypatch.setattr(
            importlib.metadata,
            "entry_points",
            lambda *, group: [entry_point] if group == ENTRY_POINT_GROUP else [],
        )
        self._monkeypatch.delitem(sys.modules, module_name, raising=False)


COMMAND = """
import click

@click.command()
@click.argument("what")
def command(what):
    click.echo(f"brought {what}")
"""

FAILING = """
import click
from fluid.errors import BundleError

@click.command()
def command():
    raise BundleError("bundle/lower50.tflite: is missing")
"""


def test_ctrl_c_ends_any_command_with_its_own_status(bring: Bringer) -> None:
    source = COMMAND.replace('click.echo(f"brought {what}")', "raise KeyboardInterrupt")
    bring("slow", "slow_commands:command", source)
    result = CliRunner().invoke(main, ["slow", "x"])
    assert (result.exit_code, result.stderr) == (130, "interrupted\n")


def test_help_lists_every_command() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    assert {"infer", "inspect", "mode", "status"} <= set(result.output.split())


def test_help_says_of_every_command_what_its_own_help_says() -> None:
    context = click.Context(main)
    names = main.list_commands(context)
    assert {"infer", "mode", "status"} <= set(names)  # our own, and those that others bring
    assert {"compare", "dataset", "demo", "evaluate", "train"} <= set(names)
    listed = CliRunner().invoke(main, ["--help"], terminal_width=200).output.splitlines()
    for name in names:
        command = main.get_command(context, name)
        assert command is not None
        assert command.help is not None
        summary = command.help.partition("\n")[0]
        assert [name, summary] in [line.strip().split(maxsplit=1) for line in listed]


@pytest.mark.parametrize("command", ["infer", "mode", "status"])
def test_each_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(main, [command, "--help"])
    assert result.exit_code == 0
    assert "--broker URL" in result.output
    assert "FLUID_BASE_TOPIC" in result.output


def test_version_is_one_line() -> None:
    result = CliRunner().invoke(main, ["--version"])
    assert result.exit_code == 0
    assert result.output.startswith("fluid ")
    assert result.output.count("\n") == 1


def test_help_needs_neither_numpy_nor_paho_nor_pillow() -> None:
    script = (
        "import sys\n"
        "from fluid.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "heavy = {'numpy', 'paho', 'PIL', 'rich', 'tensorflow'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_a_command_of_another_package_runs(bring: Bringer) -> None:
    bring("polish", "polisher:command", COMMAND)
    assert "polish" in CliRunner().invoke(main, ["--help"]).output
    result = CliRunner().invoke(main, ["polish", "pans"])
    assert (result.exit_code, result.output) == (0, "brought pans\n")


def test_listing_commands_does_not_import_them(bring: Bringer) -> None:
    bring("polish", "polisher:command", "raise RuntimeError('imported')")
    assert CliRunner().invoke(main, ["--help"]).exit_code == 0


def test_a_missing_extra_is_named(bring: Bringer) -> None:
    bring("train", "trainer_stub:command", "import a_library_that_nobody_has")
    result = CliRunner().invoke(main, ["train"])
    assert result.exit_code == 1
    assert result.stderr == (
        "error: 'fluid train' needs the trainer extra: pip install '.[trainer]' in the clone\n"
    )


def test_a_missing_module_of_our_own_is_not_blamed_on_an_extra(bring: Bringer) -> None:
    bring("train", "trainer_stub:command", "import fluid.no_such_module")
    result = CliRunner().invoke(main, ["train"])
    assert isinstance(result.exception, ModuleNotFoundError)


def test_what_is_registered_must_be_a_command(bring: Bringer) -> None:
    bring("polish", "polisher:command", "command = 3")
    assert isinstance(CliRunner().invoke(main, ["polish"]).exception, TypeError)


def test_a_fluid_error_is_one_line_and_exit_status_1(bring: Bringer) -> None:
    bring("polish", "polisher:command", FAILING)
    result = CliRunner().invoke(main, ["polish"])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == "error: bundle/lower50.tflite: is missing\n"


def test_an_unknown_command_is_a_usage_error() -> None:
    result = CliRunner().invoke(main, ["paint"])
    assert result.exit_code == 2
    assert "No such command 'paint'" in result.stderr
