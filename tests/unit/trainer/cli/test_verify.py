import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fluid.errors import BundleError
from fluid.interpreter import InterpreterPackage
from trainer.cli import verify
from trainer.data import Images
from trainer.data.shapes import write_shapes
from trainer.errors import DatasetError, UnknownDataset
from trainer.verification import Comparison, Verification


def _verify(*arguments: str) -> Result:
    return CliRunner().invoke(verify, arguments)


def _verify_in_a_process(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """As a user does. Here it would leave Python's resource tracker, which ends with its parent."""
    return subprocess.run(
        [sys.executable, "-m", "fluid", "verify", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def differing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verification that has found differences in one of two sub-networks."""

    def verified(_folder: Path, images: Images) -> Verification:
        count = len(images)
        comparisons = {"75": Comparison(count, 0, None), "100": Comparison(count, 3, 17)}
        return Verification(2, "adding 1.0", comparisons)

    # By name, `trainer.cli.verify` is the command.
    module = importlib.import_module("trainer.cli.verify")
    monkeypatch.setattr(module, "verify_bundle", verified)


def test_a_sample_of_images_is_equal_bit_for_bit(bundle_folder: Path) -> None:
    ended = _verify_in_a_process(str(bundle_folder), "--dataset", "digits", "--limit", "40")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == (
        "40 images of digits (test): 75, 100 equal bit for bit on 2 interpreters\n"
    )


def test_all_images_of_a_split_are_compared_where_no_limit_is_given(
    bundle_folder: Path, package: InterpreterPackage
) -> None:
    options = ("--dataset", "digits", "--split", "validation", "--json")
    ended = _verify_in_a_process(str(bundle_folder), *options)
    assert ended.returncode == 0
    assert json.loads(ended.stdout) == {
        "dataset": "digits",
        "split": "validation",
        "images": 180,
        "equal": True,
        "processes": 2,
        "interpreter": package.description,
        "subnetworks": {name: {"different": 0, "first": None} for name in ("75", "100")},
    }


@pytest.mark.usefixtures("differing")
def test_a_difference_is_named_and_ends_with_status_1(bundle_folder: Path) -> None:
    result = _verify(str(bundle_folder), "--dataset", "digits")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "360 images of digits (test): 75 equal bit for bit on 2 interpreters",
        "360 images of digits (test): 100 DIFFERS on 3, the first is image 17 (counted from 0)",
    ]


@pytest.mark.usefixtures("differing")
def test_a_difference_is_told_to_programs_too(bundle_folder: Path) -> None:
    result = _verify(str(bundle_folder), "--dataset", "digits", "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["equal"] is False
    assert document["subnetworks"]["100"] == {"different": 3, "first": 17}


def test_a_data_set_of_other_classes_is_refused(bundle_folder: Path, tmp_path: Path) -> None:
    write_shapes(tmp_path / "shapes", images_per_class=10)
    result = _verify(str(bundle_folder), "--dataset", str(tmp_path / "shapes"))
    assert isinstance(result.exception, DatasetError)
    assert "knows the classes 0, 1, 2" in str(result.exception)


def test_a_folder_without_a_bundle_is_named(tmp_path: Path) -> None:
    result = _verify(str(tmp_path), "--dataset", "digits")
    assert isinstance(result.exception, BundleError)
    assert str(result.exception).startswith(f"{tmp_path}/bundle.json: no such file")


def test_an_unknown_data_set_is_named(bundle_folder: Path) -> None:
    result = _verify(str(bundle_folder), "--dataset", "cats")
    assert isinstance(result.exception, UnknownDataset)


def test_a_limit_of_no_images_is_refused(bundle_folder: Path) -> None:
    result = _verify(str(bundle_folder), "--dataset", "digits", "--limit", "0")
    assert result.exit_code == 2
    assert "--limit" in result.stderr
