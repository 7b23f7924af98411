"""The demonstration as a user runs it: it keeps its promises, and leaves no process behind."""

import json
import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fluid.demo.story import STORY
from tests.processes import processes_with, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes through /proc"),
]

MARK = "FLUID_TEST_MARK"
# The demonstration, `python -m broker`, Mosquitto and two agents.
PROCESSES_WHILE_SERVING = 5
PROCESSES_WHILE_TRAINING = 2


def _command(*options: str) -> list[str]:
    return [sys.executable, "-m", "fluid", "demo", *options]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the one whole run of this module leaves its bundle."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def document(folder: Path) -> dict[str, Any]:
    """What the last line of a whole run said; the run ended with status 0."""
    run = subprocess.run(
        _command("--output", str(folder), "--stream-seconds", "1"),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    word, _, text = run.stdout.splitlines()[-1].partition(" ")
    assert word == "DEMO"
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def test_no_image_is_lost_in_any_phase(document: dict[str, Any]) -> None:
    lost = {phase["phase"]: phase["lost"] for phase in document["phases"]}
    assert lost == dict.fromkeys((phase.name for phase in STORY), 0)


def test_the_network_is_accurate_and_each_half_is(document: dict[str, Any]) -> None:
    int8 = {name: measured["int8"] for name, measured in document["subnetworks"].items()}
    assert int8["100"] >= 0.97
    assert min(int8["lower50"], int8["upper50"]) >= 0.95


def test_the_cluster_answers_as_accurately_as_the_bundle_promises(
    document: dict[str, Any],
) -> None:
    (high_accuracy,) = (each for each in document["phases"] if each["phase"] == "HA")
    assert high_accuracy["subnetworks"] == ["100"]
    promised = document["subnetworks"]["100"]["int8"]
    assert high_accuracy["accuracy"] == pytest.approx(promised, abs=1e-4)


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interruption_while_serving_leaves_no_process(
    document: dict[str, Any], folder: Path, tmp_path: Path, signal_number: signal.Signals
) -> None:
    assert document["phases"]  # the run that left the bundle
    _interrupt(
        _command("--bundle", str(folder / "bundle")),
        signal_number,
        temporary=tmp_path,
        when_processes=PROCESSES_WHILE_SERVING,
    )


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGKILL])
def test_an_interruption_while_training_leaves_no_process(
    tmp_path: Path, signal_number: signal.Signals
) -> None:
    _interrupt(
        _command(), signal_number, temporary=tmp_path, when_processes=PROCESSES_WHILE_TRAINING
    )


def _interrupt(
    command: list[str],
    signal_number: signal.Signals,
    *,
    temporary: Path,
    when_processes: int,
) -> None:
    mark = secrets.token_hex(8)
    with subprocess.Popen(
        command,
        # What SIGKILL leaves in temporary folders is pytest's to remove.
        env={**os.environ, MARK: mark, "TMPDIR": str(temporary)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        wait_until(lambda: len(processes_with(MARK, mark)) >= when_processes)
        process.send_signal(signal_number)
        assert process.wait() != 0
    wait_until(lambda: processes_with(MARK, mark) == [])
