"""The supervisor leaves no process behind and says which one failed."""

import sys
from pathlib import Path

import pytest

from fluid.errors import ProcessEnded
from fluid.supervisor import Supervisor
from tests.processes import is_alive, wait_until


def _python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


PRINT_PID_AND_STAY = _python("import os, time; print(os.getpid(), flush=True); time.sleep(600)")


def _start(supervisor: Supervisor, name: str) -> int:
    return int(supervisor.start_and_read_line(name, PRINT_PID_AND_STAY))


def test_leaving_stops_every_process(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        pids = [_start(supervisor, name) for name in ("broker", "agent")]
        assert all(is_alive(pid) for pid in pids)
    assert not any(is_alive(pid) for pid in pids)


@pytest.mark.parametrize("interruption", [ZeroDivisionError, KeyboardInterrupt])
def test_an_interruption_stops_every_process(
    tmp_path: Path, interruption: type[BaseException]
) -> None:
    pids: list[int] = []

    def be_interrupted() -> None:
        with Supervisor(tmp_path) as supervisor:
            pids.append(_start(supervisor, "agent"))
            raise interruption

    with pytest.raises(interruption):
        be_interrupted()
    assert [is_alive(pid) for pid in pids] == [False]


def test_a_name_is_given_once(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        first = _start(supervisor, "agent")
        with pytest.raises(ValueError, match="agent"):
            supervisor.start("agent", PRINT_PID_AND_STAY)
        assert is_alive(first)


def test_a_killed_process_is_gone_and_may_be_started_again(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        first = _start(supervisor, "agent")
        supervisor.kill("agent")
        assert not is_alive(first)
        assert not supervisor.is_running("agent")
        assert is_alive(_start(supervisor, "agent"))
        assert supervisor.is_running("agent")


def test_a_kill_that_was_wished_for_is_no_failure(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        _start(supervisor, "agent")
        supervisor.check()
        supervisor.kill("agent")
        supervisor.check()


def test_a_process_that_ended_unasked_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        supervisor.start("agent", _python("import sys; sys.exit('no such bundle')"))
        failures: list[ProcessEnded] = []

        def has_failed() -> bool:
            try:
                supervisor.check()
            except ProcessEnded as error:
                failures.append(error)
            return bool(failures)

        wait_until(has_failed)
    assert str(failures[0]) == "agent ended with status 1\nno such bundle"


def test_a_process_that_ends_without_its_line_is_named(tmp_path: Path) -> None:
    with (
        Supervisor(tmp_path) as supervisor,
        pytest.raises(ProcessEnded, match="broker ended with status 1\nport in use"),
    ):
        supervisor.start_and_read_line("broker", _python("import sys; sys.exit('port in use')"))


def test_a_command_that_fails_is_named(tmp_path: Path) -> None:
    with (
        Supervisor(tmp_path) as supervisor,
        pytest.raises(ProcessEnded, match="train ended with status 2"),
    ):
        supervisor.run("train", _python("raise SystemExit(2)"))


def test_a_command_that_is_done_is_not_a_process_that_ended(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        supervisor.run("train", _python("pass"))
        supervisor.check()


def test_a_restarted_process_goes_on_with_its_log(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        for word in ("first", "second"):
            program = f"import sys; print('{word}', file=sys.stderr); print('ready')"
            supervisor.start_and_read_line("agent", _python(program))
            supervisor.kill("agent")
    assert supervisor.log("agent").read_text() == "first\nsecond\n"


def test_a_process_may_be_ended_in_good_order_and_started_again(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        pid = _start(supervisor, "agent")
        assert supervisor.pid("agent") == pid
        supervisor.stop("agent")
        assert not is_alive(pid)
        assert _start(supervisor, "agent") != pid


def test_a_process_that_ends_by_itself_is_waited_for(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        supervisor.start("generator", _python("pass"))
        supervisor.wait("generator")
        assert not supervisor.is_running("generator")


def test_one_that_fails_while_it_is_waited_for_is_named(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        supervisor.start("generator", _python("import sys; sys.exit('no broker')"))
        with pytest.raises(ProcessEnded, match="generator ended with status 1\nno broker"):
            supervisor.wait("generator")
