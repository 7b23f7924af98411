import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from fluid.bench import cli
from fluid.bench.cli import read_results
from fluid.bench.errors import BadResults
from fluid.cli import main


def test_results_of_another_program_are_refused_before_anything_is_measured(
    tmp_path: Path,
) -> None:
    file = tmp_path / "old.json"
    file.write_text("{}")
    result = CliRunner().invoke(main, ["bench", "--compare", str(file)])
    assert result.exit_code == 1
    assert f"{file}: no results of 'fluid bench'" in result.stderr


def test_a_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    file = tmp_path / "old.json"
    file.write_text("rubbish")
    with pytest.raises(BadResults, match=r"old\.json: cannot be read as JSON"):
        read_results(file)


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_measured(
    tmp_path: Path,
) -> None:
    taken = tmp_path / "file"
    taken.write_text("")
    result = CliRunner().invoke(main, ["bench", "--json", str(taken / "out.json")])
    assert result.exit_code == 1
    assert "out.json: cannot be written" in result.stderr


def test_a_python_that_can_run_no_agent_is_refused_before_anything_is_measured(
    tmp_path: Path,
) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho 'No module named edge_agent' >&2\nexit 1\n")
    program.chmod(0o755)
    result = CliRunner().invoke(main, ["bench", "--device-python", str(program)])
    assert result.exit_code == 1
    assert f"{program}: cannot run an agent (No module named edge_agent); give" in result.stderr


def test_a_device_python_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "python")
    result = CliRunner().invoke(main, ["bench", "--device-python", missing])
    assert result.exit_code == 2
    assert "--device-python" in result.stderr


@pytest.mark.parametrize(
    "options", [["--only", "luck"], ["--device-cpu", "0"], ["--repeats", "0"], ["--seconds", "0"]]
)
def test_options_that_make_no_sense_are_refused(options: list[str]) -> None:
    assert CliRunner().invoke(main, ["bench", *options]).exit_code == 2


def test_json_to_stdout_takes_the_place_of_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    materials = SimpleNamespace(families={}, slow=None, dataset="none", image_count=0)
    monkeypatch.setattr(cli, "prepare", lambda *_sources, **_options: materials)
    monkeypatch.setattr(cli, "PARTS", {})
    result = CliRunner().invoke(main, ["bench", "--json", "-", "--fluid", "."])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["parts"] == {}
