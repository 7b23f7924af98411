import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fluid.bundle import Bundle, write_bundle
from fluid.cli import main
from tests.unit.fluid.bundle.example import example_bundle


@pytest.fixture
def bundle() -> Bundle:
    return example_bundle()


@pytest.fixture
def folder(bundle: Bundle, tmp_path: Path) -> Path:
    write_bundle(tmp_path, bundle)
    return tmp_path


def _inspect(folder: Path, *options: str) -> Result:
    # Wide enough for every column, whatever terminal runs this.
    return CliRunner().invoke(main, ["inspect", str(folder), *options], env={"COLUMNS": "200"})


def _row(result: Result, name: str) -> list[str]:
    """The last row that begins with it: the sub-networks' table follows the stages'."""
    rows = [line.strip("│ ").split("│") for line in result.stdout.splitlines() if "│" in line]
    cells = [[cell.strip() for cell in row] for row in rows]
    return [row for row in cells if row[0] == name][-1]


def test_the_headlines_say_what_it_is(bundle: Bundle, folder: Path) -> None:
    result = _inspect(folder)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:4] == [
        "digits: family fluid, algorithm nested",
        f"digest: {bundle.digest}",
        "input: 8x8 grey, uint8; no other size",
        "classes (2): zero, one",
    ]
    assert "not for agents" not in result.stdout


def test_stages_and_sub_networks_have_their_slots_accuracy_and_cost(folder: Path) -> None:
    result = _inspect(folder)
    assert _row(result, "upper25") == ["upper25", "upper alone", "96.00%", "95.50%", "16", "1,000"]
    assert _row(result, "75") == ["75", "lower + upper", "97.00%", "-", "32", "2,000"]


def test_a_bundle_for_pictures_of_any_size_says_so(bundle: Bundle, tmp_path: Path) -> None:
    spec = replace(bundle.manifest.input, shape=(48, 64, 3), resize="bilinear")
    write_bundle(tmp_path, Bundle(replace(bundle.manifest, input=spec), bundle.models))
    assert "input: 48x64 RGB, uint8; any PNG or JPEG is scaled" in _inspect(tmp_path).stdout


def test_a_stage_that_reads_another_slot_makes_its_sub_networks_need_both(
    bundle: Bundle, tmp_path: Path
) -> None:
    lower25, lower50, upper25, upper50 = bundle.manifest.stages
    stages = (
        replace(lower25, output="map", macs=None),
        lower50,
        replace(upper25, inputs=("map",)),
        upper50,
    )
    subnetworks = (
        replace(bundle.manifest.subnetworks[0], name="both", stages=("lower25", "upper25")),
    )
    manifest = replace(bundle.manifest, stages=stages, subnetworks=subnetworks)
    write_bundle(tmp_path, Bundle(manifest, bundle.models))
    result = _inspect(tmp_path)
    assert _row(result, "both")[1] == "lower + upper"
    assert _row(result, "both")[-1] == "-"  # nobody counted the work of one of them
    assert _row(result, "upper25") == ["upper25", "upper", "map", "0.5", "16", "1,000"]
    caution = "cut at every layer in lower, upper: devices hand each other feature maps"
    assert caution in result.stdout.splitlines()
    assert json.loads(_inspect(tmp_path, "--json").stdout)["servable"] is True


def test_a_sub_network_that_lacks_a_feature_map_is_not_for_agents(
    bundle: Bundle, tmp_path: Path
) -> None:
    lower25, *rest = bundle.manifest.stages
    stages = (replace(lower25, output="map"), replace(rest[0], inputs=("map",)), *rest[1:])
    only = replace(bundle.manifest.subnetworks[0], name="half", stages=("lower50",))
    manifest = replace(bundle.manifest, stages=stages, subnetworks=(only,))
    write_bundle(tmp_path, Bundle(manifest, bundle.models))
    assert "not for agents: digits: sub-network half cannot be run" in _inspect(tmp_path).stdout
    assert json.loads(_inspect(tmp_path, "--json").stdout)["servable"] is False


def test_json_holds_the_same_for_programs(bundle: Bundle, folder: Path) -> None:
    document = json.loads(_inspect(folder, "--json").stdout)
    assert document["bundle"] == bundle.digest
    assert document["input"] == {"shape": [8, 8, 1], "dtype": "uint8", "resize": "exact"}
    assert document["stages"][1] == {
        "name": "lower50",
        "slot": "lower",
        "width": 1.0,
        "inputs": ["image"],
        "output": "logits",
        "size_bytes": 16,
        "macs": 1000,
    }
    assert document["subnetworks"]["100"] == {
        "stages": ["lower50", "upper50"],
        "slots": ["lower", "upper"],
        "alone": False,
        "float": 0.98,
        "int8": 0.979,
        "size_bytes": 32,
        "macs": 2000,
    }
    assert document["subnetworks"]["upper25"]["alone"]
    assert document["servable"] is True
    assert document["training"] == {"dataset": "digits", "seed": 7}


def test_a_damaged_file_is_named_in_one_line(folder: Path) -> None:
    (folder / "lower50.tflite").write_bytes(b"model of lower51")
    result = _inspect(folder)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"error: {folder}/lower50.tflite: is not the file that was")


def test_a_stream_that_cannot_encode_a_name_gets_it_escaped(bundle: Bundle, tmp_path: Path) -> None:
    manifest = replace(bundle.manifest, classes=("größe", "七"))
    write_bundle(tmp_path, Bundle(manifest, bundle.models))
    done = subprocess.run(
        [sys.executable, "-m", "fluid", "inspect", str(tmp_path)],
        env={**os.environ, "PYTHONIOENCODING": "ascii:strict"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert r"classes (2): gr\xf6\xdfe, \u4e03" in done.stdout
