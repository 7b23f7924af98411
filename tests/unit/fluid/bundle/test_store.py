import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from fluid.bundle import MANIFEST_NAME, Bundle, load_bundle, write_bundle
from fluid.errors import BundleError
from tests.unit.fluid.bundle.example import STAGE_NAMES, example_bundle


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the example bundle in it."""
    write_bundle(tmp_path / "bundle", example_bundle())
    return tmp_path / "bundle"


def test_a_bundle_comes_back_as_it_was(folder: Path) -> None:
    bundle = load_bundle(folder)
    assert bundle == example_bundle()
    assert bundle.digest == example_bundle().digest


def test_a_folder_may_be_given_as_text(folder: Path) -> None:
    assert load_bundle(str(folder)) == example_bundle()


def test_a_bundle_is_readable_json_and_its_models(folder: Path) -> None:
    names = {MANIFEST_NAME, *(f"{name}.tflite" for name in STAGE_NAMES)}
    assert {path.name for path in folder.iterdir()} == names
    assert json.loads((folder / MANIFEST_NAME).read_text())["name"] == "digits"


def test_names_are_written_in_utf_8_whatever_the_locale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What `Path` writes text in that is told no encoding.
    monkeypatch.setattr("io.text_encoding", lambda encoding, *_: encoding or "ascii")
    plain = example_bundle()
    bundle = Bundle(replace(plain.manifest, classes=("Käse", "猫")), plain.models)
    write_bundle(tmp_path, bundle)
    assert load_bundle(tmp_path) == bundle
    assert "猫".encode() in (tmp_path / MANIFEST_NAME).read_bytes()


def test_writing_again_replaces_what_was_there(folder: Path) -> None:
    (folder / "lower50.tflite").write_bytes(b"older")
    write_bundle(folder, example_bundle())
    assert load_bundle(folder) == example_bundle()


@pytest.mark.parametrize("name", STAGE_NAMES)
def test_a_missing_model_is_named(folder: Path, name: str) -> None:
    (folder / f"{name}.tflite").unlink()
    with pytest.raises(BundleError, match=rf"{name}\.tflite: is missing"):
        load_bundle(folder)


@pytest.mark.parametrize("name", STAGE_NAMES)
def test_one_flipped_bit_is_found_and_its_file_is_named(folder: Path, name: str) -> None:
    path = folder / f"{name}.tflite"
    model = bytearray(path.read_bytes())
    model[len(model) // 2] ^= 1
    path.write_bytes(model)
    with pytest.raises(BundleError, match=rf"{name}\.tflite: is not the file that was trained"):
        load_bundle(folder)


def test_a_model_that_is_cut_is_found(folder: Path) -> None:
    path = folder / "upper25.tflite"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BundleError, match=r"upper25\.tflite"):
        load_bundle(folder)


def test_a_model_that_is_a_folder_is_named(folder: Path) -> None:
    (folder / "upper25.tflite").unlink()
    (folder / "upper25.tflite").mkdir()
    with pytest.raises(BundleError, match=r"upper25\.tflite: cannot be read \(Is a directory\)"):
        load_bundle(folder)


def test_a_folder_without_a_bundle_says_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"bundle\.json: no such file; give a folder that"):
        load_bundle(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 10])
def test_a_manifest_that_is_no_json_is_named(folder: Path, content: bytes) -> None:
    (folder / MANIFEST_NAME).write_bytes(content)
    with pytest.raises(BundleError, match=r"bundle\.json: is not valid JSON"):
        load_bundle(folder)


def test_a_manifest_of_an_unknown_version_is_named_with_its_folder(folder: Path) -> None:
    path = folder / MANIFEST_NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": 99}))
    with pytest.raises(BundleError, match=r"bundle/bundle\.json: format version 99 is unknown"):
        load_bundle(folder)


def test_models_that_do_not_match_their_manifest_are_not_written(tmp_path: Path) -> None:
    bundle = example_bundle()
    bundle.models["lower50"] += b"!"
    with pytest.raises(ValueError, match="lower50 do not match"):
        write_bundle(tmp_path, bundle)
    assert not (tmp_path / MANIFEST_NAME).exists()


def test_an_interrupted_write_leaves_no_loadable_bundle(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pull_the_plug(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", pull_the_plug)
    with pytest.raises(KeyboardInterrupt):
        write_bundle(folder, example_bundle())
    with pytest.raises(BundleError, match="no such file"):
        load_bundle(folder)


def test_what_is_served_is_what_was_verified(folder: Path) -> None:
    bundle = load_bundle(folder)
    for name in STAGE_NAMES:
        os.truncate(folder / f"{name}.tflite", 0)
    assert bundle.models == example_bundle().models


def test_a_manifest_nested_without_end_is_named(folder: Path) -> None:
    (folder / MANIFEST_NAME).write_bytes(b"[" * 200_000)
    with pytest.raises(BundleError, match=r"bundle/bundle\.json: is nested too deeply"):
        load_bundle(folder)
