import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge_agent import cli
from edge_agent.doctor import examination
from tests.processes import free_port


@pytest.fixture
def no_broker() -> str:
    return f"mqtt://127.0.0.1:{free_port()}"


def run(*options: str) -> Result:
    return CliRunner().invoke(cli.main, ["doctor", *options], prog_name="edge-agent")


def test_each_check_is_a_line_and_a_failure_is_the_exit_status(
    bundle_folder: Path, no_broker: str
) -> None:
    result = run("--id", "pi-1", "--bundle", str(bundle_folder), "--broker", no_broker)
    assert result.exit_code == 1
    assert result.stderr == ""
    words = [line.split(maxsplit=1) for line in result.stdout.splitlines()]
    assert [status for status, _ in words] == ["ok"] * 6 + ["failed"]
    assert words[-1][1].startswith(f"port of {no_broker}: nobody listens")


def test_as_json_it_is_one_object(tmp_path: Path, no_broker: str) -> None:
    result = run("--id", "pi-1", "--bundle", str(tmp_path), "--broker", no_broker, "--json")
    document = json.loads(result.stdout)
    assert document["status"] == "failed"
    assert document["findings"][0]["check"] == "bundle"
    assert document["findings"][-1]["broker"] == no_broker


def test_what_does_not_fit_the_bundle_is_found_before_any_broker_is_asked(
    bundle_folder: Path,
) -> None:
    result = run("--id", "pi-1", "--bundle", str(bundle_folder), "--pin-slot", "middle")
    assert result.exit_code == 1
    assert "no slot 'middle'" in result.stdout
    assert "port of" not in result.stdout


def test_files_that_cannot_be_used_do_not_hide_what_is_wrong_with_the_network(
    bundle_folder: Path, tmp_path: Path
) -> None:
    broker = f"mqtts://127.0.0.1:{free_port()}"
    files = ("--ca-file", str(tmp_path / "none"), "--cert-file", str(tmp_path / "none"))
    result = run("--id", "pi-1", "--bundle", str(bundle_folder), "--broker", broker, *files)
    failed = [line.split()[1] for line in result.stdout.splitlines() if line.startswith("failed")]
    assert failed == ["authority:", "certificate:", "port"]


def test_only_warnings_have_a_status_of_their_own(
    bundle_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(*_arguments: object, **_named: object) -> list[object]:
        return []

    monkeypatch.setattr(examination, "_broker", nobody)
    options = ("--id", "pi-1", "--bundle", str(bundle_folder))
    assert run(*options).exit_code == 0
    assert run(*options, "--broker", "mqtts://hall").exit_code == 3  # no session secret


def test_the_help_is_the_doctors_own_and_the_agents_names_it() -> None:
    shown = run("--help").stdout
    assert shown.startswith("Usage: edge-agent doctor ")
    assert "FLUID_SESSION_SECRET_FILE" in shown
    assert "edge-agent doctor" in CliRunner().invoke(cli.main, ["--help"]).stdout
