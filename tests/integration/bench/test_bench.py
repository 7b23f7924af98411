"""The benchmark as a user runs it, with tiny figures: it measures, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fluid.bench.figures import Results
from fluid.bundle import write_bundle
from tests.processes import processes_with, wait_until
from tests.trained import TrainedFamily
from trainer.topology import Family, Topology

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="devices are held to a share")

MARK = "FLUID_BENCH_TEST_MARK"


def _command(bundle: Path, *options: str) -> list[str]:
    given = ["--dataset", "digits", "--fluid", str(bundle), "--repeats", "1", "--seconds", "0.3"]
    return [sys.executable, "-m", "fluid", "bench", *given, *options]


def _run(bundle: Path, folder: Path, *options: str) -> tuple[dict[str, Any], str]:
    """The JSON and the report of a run that ended well."""
    run = subprocess.run(
        _command(bundle, "--output", str(folder), *options),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    document: dict[str, Any] = json.loads((folder / "bench.json").read_text())
    return document, (folder / "bench.md").read_text()


def _median(document: dict[str, Any], part: str, case: tuple[str, ...], quantity: str) -> float:
    figure = Results.from_json(document).parts[part].find(case, quantity)
    assert figure is not None, (part, case, quantity)
    return figure.median


@pytest.mark.devices
def test_an_agent_is_measured_from_its_start_to_being_busy(
    bundle_folder: Path, tmp_path: Path
) -> None:
    document, report = _run(bundle_folder, tmp_path, "--only", "memory")
    alone_mb = _median(document, "memory", ("interpreter alone",), "resident_mb")
    busy_mb = _median(document, "memory", ("busy agent",), "resident_mb")
    assert 10 < alone_mb < busy_mb
    assert _median(document, "memory", ("start",), "start_s") > 0
    assert "## Memory and start" in report
    assert "What was promised" in report


@pytest.mark.devices
def test_the_figure_of_the_paper_comes_out_in_kind(
    bundle_folder: Path, trained_family: TrainedFamily, tmp_path: Path
) -> None:
    options = ["--only", "paper", "--seconds", "1"]
    for family in (Family.STATIC, Family.DYNAMIC):
        trained = trained_family(Topology.of(2, family=family))
        write_bundle(tmp_path / family, trained.bundle)
        options += [f"--{family}", str(tmp_path / family)]
    document, report = _run(bundle_folder, tmp_path / "out", *options)
    assert set(document["ratios"]) == {"ht_over_dynamic", "ht_over_static", "ha_over_static"}
    assert "| Static | only Master | fails: nothing_runnable |" in report
    assert "| Dynamic | only Worker | fails: nothing_runnable |" in report
    for contender in ("Fluid HA", "Fluid HT"):
        for situation in ("both online", "only Master", "only Worker"):
            assert _median(document, "paper", (contender, situation), "images_per_s") > 0
            assert _median(document, "paper", (contender, situation), "accuracy") > 0.5
    assert (tmp_path / "out" / "bench-paper.png").exists()


@pytest.mark.devices
@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL])
def test_an_interruption_leaves_no_process_and_no_control_group(
    bundle_folder: Path, tmp_path: Path, signal_number: signal.Signals
) -> None:
    before = _control_groups()
    mark = str(tmp_path)
    with subprocess.Popen(
        _command(bundle_folder, "--only", "failover"),
        # What SIGKILL leaves in temporary folders is pytest's to remove.
        env={**os.environ, MARK: mark, "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        # The benchmark, `python -m broker`, Mosquitto and two agents.
        wait_until(lambda: len(processes_with(MARK, mark)) >= 5)
        process.send_signal(signal_number)
        assert process.wait() != 0
    wait_until(lambda: processes_with(MARK, mark) == [])
    if signal_number != signal.SIGKILL:
        assert _control_groups() <= before


def _control_groups() -> set[Path]:
    return set(Path("/sys/fs/cgroup").glob("**/fluid-bench-*"))
