"""What the demonstration refuses, and that it starts nothing before."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fluid.bundle import Bundle, Manifest, SubNetwork, write_bundle
from fluid.cli import main
from fluid.demo import cli
from tests.unit.fluid.stage_files import cut_bundle, sealed, stage


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Where the demonstration would keep its logs."""
    return tmp_path / "kept"


def _demo(output: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["demo", "--output", str(output), *options])


def _one_slot(manifest: Manifest) -> Manifest:
    return replace(
        manifest,
        slots=("upper",),
        stages=(stage("alone", "upper"),),
        subnetworks=(SubNetwork("100", ("alone",)),),
    )


def test_an_unknown_data_set_ends_it_with_the_reason(
    output: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    result = _demo(output, "--dataset", "cats")
    assert result.exit_code == 1
    assert "no data set and no folder 'cats'" in capfd.readouterr().err  # training's own words
    assert result.stderr == "error: train ended with status 1\n"


def test_a_bundle_that_agents_cannot_serve_is_refused_before_anything_starts(
    output: Path, tmp_path: Path
) -> None:
    write_bundle(tmp_path / "static", sealed(cut_bundle()))
    result = _demo(output, "--bundle", str(tmp_path / "static"))
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: example is of family static")
    assert line.endswith("[unservable_bundle]")
    assert not output.exists()


def test_a_network_of_one_slot_is_refused_before_anything_starts(
    output: Path, tmp_path: Path
) -> None:
    whole = cut_bundle()
    write_bundle(tmp_path / "one", sealed(Bundle(_one_slot(whole.manifest), whole.models)))
    result = _demo(output, "--bundle", str(tmp_path / "one"))
    assert result.exit_code == 1
    assert result.stderr == (
        "error: example has one slot, so two devices cannot answer an image together: "
        "train one with 'fluid train --slots 2'\n"
    )
    assert not output.exists()


# Stands for `python -m fluid`: "trains" by taking a bundle that is there, and has no data sets.
TRAINING = """
import shutil, sys
command, output = sys.argv[2], sys.argv[-1]
if command != "train":
    sys.exit("no data set")
shutil.copytree(sys.argv[1], output)
print("plot", output)
"""


@pytest.mark.parametrize("kept", [True, False])
def test_where_things_are_is_said_only_if_they_are_kept(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    *,
    kept: bool,
) -> None:
    trained, output = tmp_path / "trained", tmp_path / "kept"
    write_bundle(trained, sealed(cut_bundle()))
    monkeypatch.setattr(cli, "_FLUID", (sys.executable, "-c", TRAINING, str(trained)))
    options = ["--output", str(output)] if kept else []
    result = CliRunner().invoke(main, ["demo", *options])
    assert result.stderr == "error: dataset ended with status 1\n"
    said = capfd.readouterr().out
    assert said == (f"plot {output / 'bundle'}\n" if kept else "")
    # Training says it where it is not quiet.
    assert ("test split" in result.stdout) is not kept


def test_with_json_nothing_else_is_on_stdout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    trained, output = tmp_path / "trained", tmp_path / "kept"
    write_bundle(trained, sealed(cut_bundle()))
    monkeypatch.setattr(cli, "_FLUID", (sys.executable, "-c", TRAINING, str(trained)))
    result = CliRunner().invoke(main, ["demo", "--json", "--output", str(output)])
    assert (result.exit_code, result.stdout, capfd.readouterr().out) == (1, "", "")
    assert "test split" in result.stderr
