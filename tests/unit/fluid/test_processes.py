"""Child processes end with their parent, and stop in order or by force."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fluid.processes import start_tied, stop, tail
from tests.processes import is_alive, wait_until

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
IGNORE_SIGTERM = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('up', flush=True); time.sleep(600)",
]
# A parent that starts a child, prints its process id, and waits for ever.
PARENT = [
    sys.executable,
    "-c",
    "import sys, time; from fluid.processes import start_tied;"
    "child = start_tied([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "print(child.pid, flush=True); time.sleep(600)",
]


def _start_until_up(command: list[str]) -> "subprocess.Popen[bytes]":
    process = start_tied(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"up\n"
    return process


def test_the_process_id_is_that_of_the_program() -> None:
    process = start_tied(
        [sys.executable, "-c", "import os; print(os.getpid())"], stdout=subprocess.PIPE
    )
    output, _ = process.communicate()
    assert int(output) == process.pid


def test_the_exit_status_is_that_of_the_program() -> None:
    assert start_tied([sys.executable, "-c", "raise SystemExit(7)"]).wait() == 7


def test_a_child_is_out_of_reach_of_the_terminal() -> None:
    process = _start_until_up(SLEEP)
    assert os.getsid(process.pid) == process.pid
    stop(process)


def test_the_environment_is_passed_on() -> None:
    process = start_tied(
        [sys.executable, "-c", "import os; print(os.environ['COLOUR'])"],
        stdout=subprocess.PIPE,
        environment={**os.environ, "COLOUR": "blue"},
    )
    assert process.communicate()[0] == b"blue\n"


def test_an_unknown_program_is_reported_by_name() -> None:
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        start_tied(["no-such-program"])


def test_stop_ends_a_process_with_sigterm() -> None:
    assert stop(_start_until_up(SLEEP)) == -signal.SIGTERM


def test_stop_kills_what_ignores_sigterm() -> None:
    assert stop(_start_until_up(IGNORE_SIGTERM), grace_s=0.1) == -signal.SIGKILL


def test_stop_of_an_ended_process_returns_its_status() -> None:
    process = start_tied([sys.executable, "-c", "raise SystemExit(3)"])
    process.wait()
    assert stop(process) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_a_child_dies_with_a_killed_parent() -> None:
    with subprocess.Popen(PARENT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child_pid = int(parent.stdout.readline())
        assert is_alive(child_pid)
        parent.kill()
        wait_until(lambda: not is_alive(child_pid))


def test_tail_gives_the_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("one\ntwo\nthree\n", encoding="utf-8")
    assert tail(log, lines=2) == "two\nthree"


def test_tail_of_a_log_that_was_never_written_is_empty(tmp_path: Path) -> None:
    assert tail(tmp_path / "none") == ""
