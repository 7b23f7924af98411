import tarfile
from pathlib import Path

import pytest

from fluid.bundle import load_bundle
from fluid.errors import BundleError
from tests.unit.ansible.loading import REPOSITORY, load

pack = load("roles/preflight/files/pack.py")
MODEL = REPOSITORY / "models" / "mnist"


def test_what_a_device_unpacks_is_the_bundle(tmp_path: Path) -> None:
    told = pack.pack(MODEL, tmp_path / "cache")
    with tarfile.open(told["archive"]) as archive:
        archive.extractall(tmp_path, filter="data")
    assert load_bundle(tmp_path / told["name"]).digest == load_bundle(MODEL).digest
    assert told["digest"].startswith(told["name"])


def test_the_manifest_comes_last(tmp_path: Path) -> None:
    told = pack.pack(MODEL, tmp_path)
    with tarfile.open(told["archive"]) as archive:
        assert archive.getnames()[-1] == f"{told['name']}/bundle.json"


def test_a_second_run_makes_nothing(tmp_path: Path) -> None:
    assert pack.pack(MODEL, tmp_path)["made"]
    assert not pack.pack(MODEL, tmp_path)["made"]


def test_a_file_with_another_hash_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "bundle"
    broken.mkdir()
    for path in MODEL.iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    model = broken / "lower50.tflite"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    with pytest.raises(BundleError, match=r"lower50\.tflite"):
        pack.pack(broken, tmp_path / "cache")
