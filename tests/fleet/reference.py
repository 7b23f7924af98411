"""What each answer must say, by tflite-runtime on this machine's own processor.

The devices run tflite-runtime, which wants another NumPy than the rest of this repository: so it
has a virtual environment of its own, kept for the next run.
"""

import hashlib
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fluid.bundle import Bundle, load_bundle
from fluid.messages import Result
from fluid.submodel import Logits, combine
from tests.fleet.commands import CommandFailed, run

_ROOT = Path(__file__).resolve().parents[2]
_CACHE = _ROOT / ".cache" / "fleet"
_PACKAGES = ("numpy==1.26.4", "tflite-runtime==2.14.0")
_PYTHON = "python3.11"  # the newest that tflite-runtime has wheels for, and Debian 12's
_INSTALL_TIMEOUT_S = 300.0
_RUN_TIMEOUT_S = 120.0


class Reference:
    """The answers of bundles to images, computed beforehand; each result says which bundle's it is.

    images: those that are sent, uint8 (n, height, width, channels); they repeat beyond their end.
    """

    def __init__(self, images: NDArray[np.uint8], folders: Sequence[Path], *, work: Path) -> None:
        """work: a folder for intermediate files."""
        self.images = images
        self._bundles: dict[str, Bundle] = {}
        self._logits: dict[tuple[str, str], Logits] = {}
        pictures, output = work / "images.npy", work / "logits.npz"
        np.save(pictures, images, allow_pickle=False)
        arguments = [str(output), str(pictures), *map(str, folders)]
        run(
            ["env", f"PYTHONPATH={_ROOT}", str(_environment()), _program(), *arguments],
            timeout_s=_RUN_TIMEOUT_S,
        )
        with np.load(output, allow_pickle=False) as arrays:
            self.interpreter = str(arrays["interpreter"])
            for bundle in map(load_bundle, folders):
                self._add(bundle, {name: arrays[name] for name in arrays.files})

    def logits(self, bundle: str, subnetwork: str, index: int) -> Logits:
        """The logits (classes,) of a sub-network for an image. bundle: its short digest."""
        rows = self._logits[bundle, subnetwork]
        row: Logits = rows[index % len(rows)]
        return row

    def problem(self, result: Result, index: int) -> str:
        """What is wrong with a result that has logits for the image of that index; "" if nothing.

        Right is what is equal to the last bit.
        """
        expected = self.logits(result.bundle, result.subnetwork, index)
        if result.logits is None:
            return f"image {index}: the logits that were asked for are missing"
        found = np.array(result.logits, np.float32)
        if result.label == int(expected.argmax()) and found.tobytes() == expected.tobytes():
            return ""
        return (
            f"image {index}: {result.subnetwork} of {result.bundle} on {result.devices} says "
            f"{result.label} {found.tolist()}, not {int(expected.argmax())} {expected.tolist()}"
        )

    def _add(self, bundle: Bundle, arrays: dict[str, NDArray[np.float32]]) -> None:
        for subnetwork in bundle.manifest.subnetworks:
            partials = [arrays[f"{bundle.digest}/{stage}"] for stage in subnetwork.stages]
            self._logits[bundle.digest[:12], subnetwork.name] = combine(partials)


def _program() -> str:
    return str(Path(__file__).with_name("run_reference.py"))


def _environment() -> Path:
    """The Python of an environment that has the devices' interpreter."""
    base = shutil.which(_PYTHON)
    if base is None:
        raise CommandFailed(f"{_PYTHON} is not installed: tflite-runtime has no wheels for others")
    recipe = "\n".join((*_PACKAGES, base, os.uname().machine, sys.platform))
    folder = _CACHE / f"reference-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    ready = folder / "ready"  # written last: what was interrupted is made again
    if not ready.exists():
        run([base, "-m", "venv", "--clear", str(folder)], timeout_s=_INSTALL_TIMEOUT_S)
        run(
            [str(python), "-m", "pip", "install", "--quiet", "--only-binary=:all:", *_PACKAGES],
            timeout_s=_INSTALL_TIMEOUT_S,
        )
        ready.touch()
    return python
