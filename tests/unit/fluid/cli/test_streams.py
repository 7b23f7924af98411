"""What only a process of its own shows: Python writes its buffers out once more as it ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")
SAID = "error: cannot write the output: No space left on device\n"

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="a full disk is a device of Linux")


def fluid(*arguments: str, script: str = "main()", **environment: str) -> tuple[int, str]:
    """The status, and what is on stderr, of a command whose output finds no room."""
    lines = f"import sys; from fluid.cli import main; sys.argv = sys.argv[1:]; {script}"
    with FULL.open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", lines, "fluid", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
            text=True,
            check=False,
            timeout=60,
        )
    return done.returncode, done.stderr


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("completion", "bash")])
def test_output_that_finds_no_room_is_one_line(arguments: tuple[str, ...]) -> None:
    assert fluid(*arguments) == (1, SAID)


def test_it_is_too_where_nothing_is_buffered() -> None:
    assert fluid("--help", PYTHONUNBUFFERED="1") == (1, SAID)


def test_what_is_only_written_at_the_end_counts_too() -> None:
    script = (
        "import click; "
        "main.add_command(click.Command('x', callback=lambda: print('x'))); "
        "main.get_command = lambda _, name: main.commands[name]; "
        "main()"
    )
    assert fluid("x", script=script) == (1, SAID)


def test_a_table_that_finds_no_room_is_one_line() -> None:
    script = (
        "import click; from rich.console import Console; "
        "main.add_command(click.Command('x', callback=lambda: Console().print('x'))); "
        "main.get_command = lambda _, name: main.commands[name]; "
        "main()"
    )
    assert fluid("x", script=script) == (1, SAID)


def test_a_reader_that_has_gone_is_no_matter_of_words() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "fluid", "--help"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")
