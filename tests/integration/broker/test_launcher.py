"""The launcher against a real Mosquitto: it serves, survives, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from socket import create_connection, create_server

import pytest
from click.testing import CliRunner

from broker import BrokerBinaryMissing, BrokerStartError, LocalBroker
from broker.__main__ import main
from broker.errors import PortTaken
from tests.processes import is_alive, wait_until

ANSWER_TIMEOUT_S = 20


def _publish(broker: LocalBroker, topic: str, *options: str, lines: str | None = None) -> None:
    subprocess.run(
        ["mosquitto_pub", "-p", str(broker.port), "-t", topic, "-q", "1", *options],
        input=lines,
        text=True,
        check=True,
        timeout=ANSWER_TIMEOUT_S,
    )


def _subscribe(broker: LocalBroker, topic: str, *options: str) -> list[str]:
    answer = subprocess.run(
        ["mosquitto_sub", "-p", str(broker.port), "-t", topic, "-q", "1", *options],
        capture_output=True,
        text=True,
        check=True,
        timeout=ANSWER_TIMEOUT_S,
    )
    return answer.stdout.splitlines()


def test_it_serves_on_loopback_as_soon_as_it_is_entered() -> None:
    with LocalBroker() as broker:
        assert broker.url == f"mqtt://127.0.0.1:{broker.port}"
        _publish(broker, "greeting", "-r", "-m", "hello")
        assert _subscribe(broker, "greeting", "-C", "1") == ["hello"]


def test_it_serves_on_the_address_that_it_is_given() -> None:
    with LocalBroker(host="127.0.0.2") as broker:
        assert broker.url == f"mqtt://127.0.0.2:{broker.port}"
        _publish(broker, "greeting", "-h", "127.0.0.2", "-r", "-m", "hello")
        with pytest.raises(ConnectionRefusedError):
            create_connection(("127.0.0.1", broker.port)).close()


def test_leaving_ends_the_process_and_removes_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with LocalBroker() as broker:
        pid = broker.pid
        assert list(tmp_path.iterdir())
    assert not is_alive(pid)
    assert not list(tmp_path.iterdir())


def test_an_exception_inside_leaves_no_process() -> None:
    broker = LocalBroker()
    pids = []

    def fail_while_serving() -> None:
        with broker:
            pids.append(broker.pid)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_while_serving()
    assert [is_alive(pid) for pid in pids] == [False]


def test_a_restart_keeps_port_and_retained_messages() -> None:
    with LocalBroker(persistence=True) as broker:
        port = broker.port
        _publish(broker, "presence", "-r", "-m", "online")
        broker.restart()
        assert broker.port == port
        assert _subscribe(broker, "presence", "-C", "1") == ["online"]


def test_without_persistence_a_restart_forgets() -> None:
    with LocalBroker() as broker:
        _publish(broker, "presence", "-r", "-m", "before")
        broker.restart()
        _publish(broker, "other", "-r", "-m", "after")
        assert _subscribe(broker, "#", "-C", "1") == ["after"]


def test_a_killed_broker_starts_again_on_its_port() -> None:
    with LocalBroker() as broker:
        port, pid = broker.port, broker.pid
        broker.kill()
        assert not is_alive(pid)
        broker.start()
        assert broker.port == port
        assert broker.pid != pid


def test_a_subscriber_that_is_away_loses_nothing_of_a_long_queue() -> None:
    """Mosquitto's own default drops what is above 1000, after it has confirmed it."""
    numbers = [str(number) for number in range(3000)]
    session = ("-V", "5", "-i", "away", "-c", "-x", "3600")
    with LocalBroker() as broker:
        _subscribe(broker, "queue", *session, "-E")
        _publish(broker, "queue", "-l", lines="\n".join(numbers) + "\n")
        assert _subscribe(broker, "queue", *session, "-C", "3000") == numbers


def test_the_free_port_is_chosen_anew_when_it_is_lost_to_another_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with closing(create_server(("127.0.0.1", 0))) as rival:
        lost = rival.getsockname()[1]
        with LocalBroker() as other:
            free = other.port
        offers = iter([lost, free])
        monkeypatch.setattr("broker.launcher._free_port", lambda _host: next(offers))
        with LocalBroker() as broker:
            assert broker.port == free


def test_a_fixed_port_in_use_is_refused_by_name() -> None:
    with closing(create_server(("127.0.0.1", 0))) as rival:
        port = rival.getsockname()[1]
        with pytest.raises(PortTaken, match=str(port)), LocalBroker(port=port):
            pass


def test_a_broker_that_cannot_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.launcher.render", lambda _options: "no_such_option true\n")
    with (
        pytest.raises(BrokerStartError, match="no_such_option"),
        LocalBroker(directory=tmp_path),
    ):
        pass


def test_a_missing_mosquitto_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("broker.launcher._MORE_FOLDERS", ())
    with pytest.raises(BrokerBinaryMissing, match="apt-get install mosquitto"), LocalBroker():
        pass


def _start_module(*options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "broker", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_the_module_prints_its_url_and_ends_in_order(signal_number: signal.Signals) -> None:
    with _start_module("--port", "0") as process:
        url = _first_line(process)
        assert url.startswith("mqtt://127.0.0.1:")
        process.send_signal(signal_number)
        assert process.wait(ANSWER_TIMEOUT_S) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_mosquitto_dies_with_a_killed_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # what SIGKILL leaves there is pytest's to remove
    with _start_module("--port", "0") as process:
        _first_line(process)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        mosquitto = int(children.split()[0])
        assert is_alive(mosquitto)
        os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(mosquitto))


def test_the_module_reports_a_port_in_use_in_one_line() -> None:
    with closing(create_server(("127.0.0.1", 0))) as rival:
        port = rival.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "broker", "--port", str(port)],
            capture_output=True,
            text=True,
            timeout=ANSWER_TIMEOUT_S,
            check=False,
        )
    assert ended.returncode == 1
    error = ended.stderr.splitlines()[-1]
    assert error.startswith(f"Error: port {port} is in use")
    assert all(way_out in error for way_out in ("--port", "FLUID_BROKER"))
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_the_module_says_what_does_not_outlive_it(option: str) -> None:
    result = CliRunner().invoke(main, [option])
    assert result.exit_code == 0
    assert "Without --persistence nothing outlives it" in " ".join(result.stdout.split())
