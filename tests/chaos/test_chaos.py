"""The suite itself, shortly: three faults, with all that belongs to them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.chaos.__main__ import main
from tests.chaos.plan import Fault


@pytest.mark.slow
def test_three_faults_lose_nothing_and_are_reported(tmp_path: Path) -> None:
    faults = (Fault.KILL, Fault.BROKER_RESTART, Fault.SWITCH)
    options = ["--rounds=3", "--agents=2", "--measure=0.3", f"--output={tmp_path / 'results'}"]
    chosen = [f"--fault={fault.name.lower()}" for fault in faults]
    ended = CliRunner().invoke(main, [*options, *chosen, f"--logs={tmp_path / 'logs'}"])
    assert ended.exit_code == 0, ended.output
    document = json.loads((tmp_path / "results" / "chaos.json").read_text("utf-8"))
    (campaign,) = document["campaigns"]
    totals = campaign["totals"]
    assert [row["number"] for row in campaign["rounds"]] == [1, 2, 3]
    assert {row["fault"] for row in campaign["rounds"]} == {fault.value for fault in faults}
    assert totals["requests"] > 0
    assert [totals[name] for name in ("lost", "refused", "wrong", "twice")] == [0, 0, 0, 0]
    assert {row["fault"] for row in campaign["by_fault"]} == {fault.value for fault in faults}
    report = (tmp_path / "results" / "chaos.md").read_text("utf-8")
    assert "3 rounds" in report
    assert str(tmp_path) not in report
    timeline = (tmp_path / "logs" / "2-agents" / "timeline.log").read_text("utf-8")
    assert all(fault.value in timeline for fault in faults)


@pytest.mark.parametrize("agents", ["", "1", "2 x"])
def test_a_number_of_agents_that_is_none_is_refused(agents: str) -> None:
    ended = CliRunner().invoke(main, ["--agents", agents])
    assert ended.exit_code == 2
    assert "numbers from 2 on" in ended.output
