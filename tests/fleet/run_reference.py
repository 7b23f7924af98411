"""Runs every stage of bundles over images, in the reference's own environment.

    python run_reference.py OUTPUT.npz IMAGES.npy BUNDLE...

Writes the float32 partial logits of each, named `<digest>/<stage>`. Executed by `reference.py`
with an interpreter that this repository's environment does not have.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from fluid.bundle import load_bundle
from fluid.interpreter import find_interpreter
from fluid.submodel import SubModel


def main(output: str, images_path: str, *folders: str) -> None:
    package = find_interpreter()
    images = np.load(images_path, allow_pickle=False)
    arrays: dict[str, Any] = {"interpreter": np.array(package.description)}
    for folder in map(Path, folders):
        bundle = load_bundle(folder)
        for stage in bundle.manifest.stages:
            model = SubModel(bundle, stage.name, package=package)
            arrays[f"{bundle.digest}/{stage.name}"] = model.run(images)
    np.savez(output, **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
