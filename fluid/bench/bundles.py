"""The bundles and images that are measured: those that are given, and the rest by `fluid train`.

What is trained is kept, as training takes minutes: a folder of results is used again, whatever
was changed in the trainer since.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from fluid.bundle import Manifest, load_bundle
from fluid.bundle.manifest import MANIFEST_NAME
from fluid.errors import BundleError
from fluid.supervisor import Supervisor

FLUID, STATIC, DYNAMIC = "fluid", "static", "dynamic"
FAMILIES = (STATIC, DYNAMIC, FLUID)
_FLUID_COMMAND = (sys.executable, "-m", "fluid")


def family_bundles(
    supervisor: Supervisor,
    given: Mapping[str, Path | None],
    *,
    families: tuple[str, ...],
    dataset: str,
    cache: Path,
    epochs: int | None,
    say: Callable[[str], None],
) -> dict[str, Path]:
    """A folder for each of `families`. epochs: of those that are trained, None for the default.

    Raises `BundleError` for a bundle that cannot be used, or is of another family.
    """
    folders = {}
    for family in families:
        folder = given.get(family)
        if folder is None:
            # Passes change neither how fast a network is nor what may be compared, but accuracy.
            name = family if epochs is None else f"{family}-{epochs}-epochs"
            folder = cache / dataset / name
            if not (folder / MANIFEST_NAME).exists():
                say(f"training {family}, which takes minutes; kept in {folder}")
                _train(supervisor, family, folder, dataset=dataset, epochs=epochs)
        _expect_family(load_bundle(folder).manifest, family, folder)
        folders[family] = folder
    return folders


def labelled_images(supervisor: Supervisor, *, dataset: str, bundle: Path, file: Path) -> int:
    """Write the test images in the form that a bundle takes to `file`; how many there are."""
    options = ["--split", "test", "--bundle", str(bundle), "--output", str(file)]
    command = [*_FLUID_COMMAND, "dataset", dataset, *options]
    name = f"dataset-{file.stem}"
    supervisor.start(name, command)
    supervisor.wait(name)
    with np.load(file) as arrays:
        return len(arrays["labels"])


def _train(
    supervisor: Supervisor, family: str, folder: Path, *, dataset: str, epochs: int | None
) -> None:
    options = ["--dataset", dataset, "--family", family, "--output", str(folder)]
    options += [] if epochs is None else ["--epochs", str(epochs), "--max-int8-drop", "100"]
    supervisor.run(f"train-{family}", [*_FLUID_COMMAND, "train", *options])


def _expect_family(manifest: Manifest, family: str, folder: Path) -> None:
    if manifest.family != family:
        raise BundleError(f"{folder}: is of family {manifest.family}, not {family}")
    if len(manifest.slots) < 2:
        raise BundleError(f"{folder}: has one slot, so two devices cannot share an image")
