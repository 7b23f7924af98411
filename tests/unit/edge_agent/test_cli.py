import json
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from edge_agent import cli
from edge_agent.bundle_source import BundleSource
from edge_agent.runtime import Outcome
from fluid.bundle import MANIFEST_NAME, write_bundle
from fluid.messages import Mode, Role
from tests.unit.fluid.stage_files import cut_bundle, sealed

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


def test_a_bundle_that_is_cut_between_devices_is_refused_with_what_to_do(
    start: Start, tmp_path: Path
) -> None:
    write_bundle(tmp_path, sealed(cut_bundle()))
    result = start(bundle=tmp_path)
    assert result.exit_code == cli.EXIT_UNUSABLE
    line = error_line(result)
    assert "is of family static, whose slots lower, upper are cut" in line
    assert "'fluid train --family fluid'" in line
    assert line.endswith("[unservable_bundle]")


def test_sighup_asks_for_the_bundle_that_lies_there_now(
    agent: FakeAgent, start: Start, bundle_folder: Path
) -> None:
    agent.raises = signal.SIGHUP
    assert start().exit_code == 0
    assert (agent.reloaded, agent.left) == (1, 0)
    assert agent.arguments["source"] == BundleSource.at(bundle_folder)


def test_a_thread_that_dies_ends_the_agent(agent: FakeAgent, start: Start) -> None:
    agent.thread_fails = True
    start()
    assert agent.failures == [
        "the thread 'any' failed: ZeroDivisionError('integer division or modulo by zero')"
    ]
