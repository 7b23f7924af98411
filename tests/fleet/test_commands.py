"""How programs of the host are run. Starts no fleet, and runs with all other tests."""

import os
import secrets
import signal

import pytest

from tests.fleet.commands import CommandFailed, follow, run
from tests.processes import is_alive, processes_with, wait_until


def test_the_output_of_both_channels_is_returned() -> None:
    assert run(["sh", "-s"], timeout_s=30, stdin="echo one; echo two >&2") == "one\ntwo\n"


def test_a_program_that_fails_raises_with_what_it_said() -> None:
    with pytest.raises(CommandFailed, match=r"ended with 3:\nno room"):
        run(["sh", "-c", "echo no room; exit 3"], timeout_s=30)


def test_a_program_that_is_not_there_raises() -> None:
    with pytest.raises(CommandFailed, match="no-such-program is not installed"):
        run(["no-such-program"], timeout_s=30)


def test_a_program_that_takes_too_long_ends_with_all_that_it_has_started() -> None:
    mark = secrets.token_hex(8)
    with pytest.raises(CommandFailed, match="not done within"):
        run(["env", f"FLUID_TEST_MARK={mark}", "sh", "-c", "sleep 600 & sleep 600"], timeout_s=0.5)
    wait_until(lambda: not processes_with("FLUID_TEST_MARK", mark), what="some go on")


def test_a_service_that_a_program_has_started_is_not_waited_for() -> None:
    lines: list[str] = []
    # Its output is still open when the program has ended.
    assert follow(["sh", "-c", "sleep 600 & echo $!"], lines.append, timeout_s=30) == 0
    service = int(lines[0])
    assert is_alive(service)
    os.kill(service, signal.SIGKILL)
