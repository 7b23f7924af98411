import json
import signal
import socket
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from edge_agent import cli
from edge_agent.bundle_source import BundleSource
from edge_agent.home_assistant import HomeAssistantObserver
from edge_agent.log_observer import LogObserver
from edge_agent.runtime import Outcome
from edge_agent.service_observer import ServiceObserver
from fluid.bundle import MANIFEST_NAME, write_bundle
from fluid.messages import Mode, Role
from tests.processes import free_port
from tests.unit.fluid.stage_files import sealed, unrunnable_bundle

Start = Callable[..., Result]


@dataclass
class FakeAgent:
    """Stands for the running agent: it ends as it is told to."""

    outcome: Outcome = field(default_factory=lambda: Outcome(0))
    raises: signal.Signals | None = None
    left: int = 0
    reloaded: int = 0
    thread_fails: bool = False
    failures: list[str] = field(default_factory=list)
    arguments: dict[str, Any] = field(default_factory=dict)

    def __call__(self, *positional: object, **named: object) -> "FakeAgent":
        self.arguments = {"settings": positional[0], "bundle": positional[1], **named}
        return self

    def leave(self) -> None:
        self.left += 1

    def reload(self) -> None:
        self.reloaded += 1

    def fail(self, reason: str) -> None:
        self.failures.append(reason)

    def run(self) -> Outcome:
        if self.thread_fails:
            thread = threading.Thread(target=lambda: 1 // 0, name="any")
            thread.start()
            thread.join()
        if self.raises is not None:
            signal.raise_signal(self.raises)
        return self.outcome


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAgent]:
    made = FakeAgent()
    monkeypatch.setattr(cli, "Agent", made)
    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    handlers = {number: signal.getsignal(number) for number in signals}
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)  # put back in the end
    yield made
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def start(bundle_folder: Path) -> Start:
    def run(*options: str, bundle: Path = bundle_folder) -> Result:
        return CliRunner().invoke(cli.main, ["--id", "pi-1", "--bundle", str(bundle), *options])

    return run


def error_line(result: Result) -> str:
    """The one line that a failed start leaves on stderr."""
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    return line


def test_the_defaults_are_a_worker_at_a_local_broker(agent: FakeAgent, start: Start) -> None:
    assert start().exit_code == 0
    settings = agent.arguments["settings"]
    assert (settings.agent, settings.role, settings.vote) == ("pi-1", Role.WORKER, Mode.AUTO)
    assert settings.digest == agent.arguments["bundle"].digest
    assert settings.interpreter == agent.arguments["package"].description
    assert str(agent.arguments["bus"].address) == "mqtt://127.0.0.1:1883"
    assert agent.arguments["wire"].topics.base == "fluid"


def test_options_reach_the_agent(agent: FakeAgent, start: Start) -> None:
    options = ("--role", "master", "--vote", "ht", "--max-slots", "2", "--in-flight", "7")
    network = ("--broker", "mqtt://hall:1884", "--base-topic", "hall/fluid")
    assert start(*options, *network).exit_code == 0
    settings, wire = agent.arguments["settings"], agent.arguments["wire"]
    assert (settings.role, settings.vote, settings.max_slots) == (Role.MASTER, Mode.HT, 2)
    assert wire.infer_options("pi-1").receive_maximum == 7
    assert wire.topics.infer == "hall/fluid/infer"
    assert str(agent.arguments["bus"].address) == "mqtt://hall:1884"


def test_what_a_device_may_hold_and_can_do_reaches_the_agent(
    agent: FakeAgent, start: Start
) -> None:
    assert start().exit_code == 0
    settings = agent.arguments["settings"]
    assert (settings.pins, settings.capacity, settings.in_flight) == ((), 1.0, 64)
    assert settings.timing.forget_after_s == 24 * 3600
    options = ("--pin-slot", "upper", "--pin-slot", "upper", "--capacity", "2.5")
    assert start(*options, "--in-flight", "4", "--forget-after", "15m").exit_code == 0
    settings = agent.arguments["settings"]
    assert (settings.pins, settings.capacity, settings.in_flight) == (("upper",), 2.5, 4)
    assert settings.timing.forget_after_s == 900


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--pin-slot", "middle"), "no slot 'middle'"),
        (("--pin-slot", "lower", "--pin-slot", "upper"), "--max-slots 1"),
    ],
)
def test_pins_that_do_not_fit_are_refused_with_the_bundles_slots(
    start: Start, options: tuple[str, ...], named: str
) -> None:
    result = start(*options)
    assert result.exit_code == cli.EXIT_UNUSABLE
    line = error_line(result)
    assert named in line
    assert "slots are lower, upper" in line


@pytest.mark.parametrize(
    "options",
    [
        ("--capacity", "0"),
        ("--capacity", "nan"),
        ("--capacity", "-1"),
        ("--capacity", "1001"),
        ("--forget-after", "soon"),
        ("--forget-after", "-5"),
        ("--forget-after", "nan"),
        ("--forget-after", "3 weeks"),
        ("--forget-after", "99999d"),
    ],
)
def test_what_is_no_capacity_or_span_is_refused(start: Start, options: tuple[str, ...]) -> None:
    result = start(*options)
    assert result.exit_code == 2
    assert options[0] in result.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--broker", "mqtt://hall,mqtts://attic"),
        ("--broker", "mqtt://hall", "--broker", "mqtts://attic"),
    ],
)
def test_several_brokers_are_in_the_order_in_which_they_are_given(
    agent: FakeAgent, start: Start, options: tuple[str, ...]
) -> None:
    assert start(*options).exit_code == 0
    assert str(agent.arguments["bus"]) == "mqtt://hall:1883"
    assert [str(each) for each in agent.arguments["fallbacks"]] == ["mqtts://attic:8883"]
    assert agent.arguments["settings"].brokers == 2


def test_several_brokers_may_come_from_the_environment(
    agent: FakeAgent, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLUID_BROKER", "mqtt://hall, mqtt://attic")
    assert start().exit_code == 0
    assert [str(each) for each in agent.arguments["fallbacks"]] == ["mqtt://attic:1883"]


def test_the_outcome_is_the_exit_status_and_its_message_one_line(
    agent: FakeAgent, start: Start
) -> None:
    agent.outcome = Outcome(3, "the broker refused the user 'pi'")
    result = start()
    assert result.exit_code == 3
    assert error_line(result) == "error: the broker refused the user 'pi'"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_asks_to_leave_and_the_second_is_not_caught(
    agent: FakeAgent, start: Start, number: signal.Signals
) -> None:
    agent.raises = number
    assert start().exit_code == 0
    assert agent.left == 1
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL


def test_without_a_metrics_port_nothing_is_counted_and_nothing_is_loaded_for_it(
    agent: FakeAgent, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    for options in ((), ("--metrics-port", "0")):
        assert start(*options).exit_code == 0
        (observer,) = agent.arguments["observers"]
        assert isinstance(observer, LogObserver)


def test_metrics_are_served_while_the_agent_runs(
    agent: FakeAgent, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    scraped = []

    def run() -> Outcome:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as response:
            scraped.append(response.read().decode())
        return Outcome(0)

    monkeypatch.setattr(agent, "run", run)
    assert start("--metrics-port", str(port)).exit_code == 0
    assert 'fluid_build_info{agent="pi-1",role="worker"' in scraped[0]
    with socket.create_server(("127.0.0.1", port)) as free_again:
        assert free_again.getsockname()[1] == port


def test_a_metrics_port_that_is_taken_ends_it_in_one_line(agent: FakeAgent, start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = start("--metrics-port", str(port))
    assert result.exit_code == cli.EXIT_UNUSABLE
    assert f"metrics cannot be served on 127.0.0.1:{port}: Address already in use" in error_line(
        result
    )
    assert agent.arguments == {}


def test_metrics_without_their_library_are_refused_with_what_to_install(
    agent: FakeAgent, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "edge_agent.metrics", None)
    result = start("--metrics-port", "9464")
    assert result.exit_code == cli.EXIT_UNUSABLE
    assert "pip install 'fluid-edge[agent]'" in error_line(result)


@pytest.mark.parametrize("option", ["--home-assistant", "--no-home-assistant"])
def test_home_assistant_is_told_where_that_is_wanted(
    agent: FakeAgent, start: Start, option: str
) -> None:
    assert start(option).exit_code == 0
    _, observer = agent.arguments["observers"]
    assert isinstance(observer, HomeAssistantObserver)


@pytest.mark.parametrize("prefix", ["", "a/#", "/a", "$SYS"])
def test_a_discovery_prefix_that_is_no_topic_is_refused(start: Start, prefix: str) -> None:
    result = start("--home-assistant", "--home-assistant-prefix", prefix)
    assert result.exit_code == 2
    assert "no plain topic name" in result.stderr


def test_a_json_log_tells_also_the_end_as_an_event(
    agent: FakeAgent, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    agent.outcome = Outcome(3, "the broker refused the user 'pi'")
    result = start("--log-format", "json")
    assert result.exit_code == 3
    assert "error: " not in result.output
    assert caplog.messages[-1] == "ended status=3 message=\"the broker refused the user 'pi'\""


def test_help_names_the_environment_variables() -> None:
    result = CliRunner().invoke(cli.main, ["--help"])
    assert all(name in result.stdout for name in ("FLUID_BROKER", "FLUID_BASE_TOPIC"))


@pytest.mark.parametrize("agent_id", ["", "a/b", "a+", "#", "-a", "a b", "x" * 65, "ä"])
def test_an_id_that_cannot_be_part_of_a_topic_is_refused(start: Start, agent_id: str) -> None:
    result = start("--id", agent_id)
    assert result.exit_code == 2
    assert "up to 64 letters" in result.stderr


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--broker", "http://hall"), "broker address"),
        (("--broker", "mqtt://u:secret@hall:1883/x"), "broker address"),
        (("--broker", "mqtt://hall,mqtt://u:secret@hall"), "is given twice"),
        (("--base-topic", "a/#"), "base topic"),
        (("--base-topic", "/fluid"), "base topic"),
    ],
)
def test_an_option_that_cannot_be_used_is_named_in_one_line(
    start: Start, options: tuple[str, ...], named: str
) -> None:
    result = start(*options)
    assert result.exit_code == cli.EXIT_UNUSABLE
    assert named in error_line(result)
    assert "secret" not in result.output


def test_a_folder_without_a_bundle_is_named(start: Start, tmp_path: Path) -> None:
    result = start(bundle=tmp_path)
    assert result.exit_code == cli.EXIT_UNUSABLE
    assert str(tmp_path / MANIFEST_NAME) in error_line(result)


@pytest.fixture
def spoilt(bundle_folder: Path, tmp_path: Path) -> Path:
    """A copy of the bundle, to be spoilt."""
    for file in bundle_folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def test_an_altered_model_is_named(start: Start, spoilt: Path) -> None:
    model = spoilt / "lower50.tflite"
    altered = bytearray(model.read_bytes())
    altered[len(altered) // 2] ^= 1
    model.write_bytes(altered)
    result = start(bundle=spoilt)
    assert result.exit_code == cli.EXIT_UNUSABLE
    assert str(model) in error_line(result)


def test_a_missing_model_is_named(start: Start, spoilt: Path) -> None:
    (spoilt / "upper25.tflite").unlink()
    assert str(spoilt / "upper25.tflite") in error_line(start(bundle=spoilt))


def test_a_manifest_of_an_unknown_version_is_named(start: Start, spoilt: Path) -> None:
    manifest = spoilt / MANIFEST_NAME
    document = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**document, "format_version": 99}))
    line = error_line(start(bundle=spoilt))
    assert str(manifest) in line
    assert "99" in line


def test_a_bundle_that_nobody_could_run_is_refused_with_what_to_do(
    start: Start, tmp_path: Path
) -> None:
    write_bundle(tmp_path, sealed(unrunnable_bundle()))
    result = start(bundle=tmp_path)
    assert result.exit_code == cli.EXIT_UNUSABLE
    line = error_line(result)
    assert "sub-network 100 cannot be run, stages logits_lower read feature maps" in line
    assert "train the bundle anew with 'fluid train'" in line
    assert line.endswith("[unservable_bundle]")


def test_sighup_asks_for_the_bundle_that_lies_there_now(
    agent: FakeAgent, start: Start, bundle_folder: Path
) -> None:
    agent.raises = signal.SIGHUP
    assert start().exit_code == 0
    assert (agent.reloaded, agent.left) == (1, 0)
    assert agent.arguments["source"] == BundleSource.at(bundle_folder)


def test_a_service_manager_is_told_of_a_reload_and_hears_from_an_observer(
    agent: FakeAgent, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent.raises = signal.SIGHUP
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        assert start().exit_code == 0
        assert manager.recv(100).startswith(b"RELOADING=1\n")
        agent.arguments["reloaded"]()
        assert manager.recv(100) == b"READY=1"
    assert [type(each) for each in agent.arguments["observers"]] == [LogObserver, ServiceObserver]


def test_a_thread_that_dies_ends_the_agent(agent: FakeAgent, start: Start) -> None:
    agent.thread_fails = True
    start()
    (failure,) = agent.failures
    assert failure.startswith("the thread 'any' failed: ZeroDivisionError(")
