"""Bundles on disk: a folder with `bundle.json` and its TFLite files, verified before use.

A TFLite file with flipped weight bytes loads and runs without a word, so nothing here hands out
a file whose sha256 was not compared with the manifest.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from fluid.bundle.manifest import MANIFEST_NAME, Manifest, Stage
from fluid.errors import BundleError


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle: its manifest, and the bytes of each stage's TFLite file by stage name.

    The bytes are held, not the paths, so that what was verified is what runs, whatever happens
    to the folder while it is being served.
    """

    manifest: Manifest
    models: dict[str, bytes]

    @property
    def digest(self) -> str:
        """The name of this bundle everywhere: sha256 (hex) of the canonical manifest."""
        return self.manifest.digest


def load_bundle(folder: Path | str) -> Bundle:
    """Read and verify a bundle; raises `BundleError` naming the file that is at fault."""
    root = Path(folder)
    manifest = _read_manifest(root)
    return Bundle(manifest, {stage.name: _read_model(root, stage) for stage in manifest.stages})


def write_bundle(folder: Path | str, bundle: Bundle) -> None:
    """Write a bundle, manifest last, so that an interrupted write leaves no loadable bundle.

    Raises `ValueError` if a model's bytes do not match the manifest.
    """
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    manifest_path = root / MANIFEST_NAME
    manifest_path.unlink(missing_ok=True)
    for stage in bundle.manifest.stages:
        model = bundle.models[stage.name]
        if hashlib.sha256(model).hexdigest() != stage.sha256 or len(model) != stage.size_bytes:
            raise ValueError(f"the bytes of stage {stage.name} do not match its manifest entry")
        (root / stage.file).write_bytes(model)
    partial = root / f"{MANIFEST_NAME}.partial"
    text = json.dumps(bundle.manifest.to_json(), indent=2, ensure_ascii=False) + "\n"
    partial.write_text(text, encoding="utf-8")
    partial.replace(manifest_path)


def _read_manifest(root: Path) -> Manifest:
    path = root / MANIFEST_NAME
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BundleError(
            f"{path}: no such file; give a folder that 'fluid train' wrote"
        ) from error
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise BundleError(f"{path}: is not valid JSON; copy the bundle again") from error
    except RecursionError as error:
        raise BundleError(f"{path}: is nested too deeply; copy the bundle again") from error
    try:
        return Manifest.from_json(document)
    except BundleError as error:
        raise BundleError(f"{root}/{error}") from error


def _read_model(root: Path, stage: Stage) -> bytes:
    path = root / stage.file
    try:
        model = path.read_bytes()
    except FileNotFoundError as error:
        raise BundleError(f"{path}: is missing; copy the bundle again") from error
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror})") from error
    if len(model) != stage.size_bytes or hashlib.sha256(model).hexdigest() != stage.sha256:
        raise BundleError(
            f"{path}: is not the file that was trained (its sha256 differs from "
            f"{MANIFEST_NAME}); copy the bundle again"
        )
    return model
