"""Measures a bundle with the serving code and the interpreter alone: no TensorFlow here."""

from collections.abc import Collection

import numpy as np

from fluid.bundle import Bundle
from fluid.interpreter import InterpreterPackage, find_interpreter
from fluid.stages import StageRunner
from trainer.data import Images, Labels
from trainer.native_output import held_back_stderr


def evaluate_bundle(
    bundle: Bundle,
    images: Images,
    labels: Labels,
    *,
    package: InterpreterPackage | None = None,
) -> dict[str, float]:
    """Share of the images, in [0, 1], that each sub-network classifies correctly, by its name.

    images: uint8 (n, height, width, channels); labels: int (n,). package: the interpreter, by
    default the one that `find_interpreter` finds. Each stage runs once an image; partial logits
    are summed in the order of the manifest's slots, as agents do. Raises `ValueError` for images
    of another shape, `InterpreterMissing` if there is no interpreter.
    """
    shape = bundle.manifest.input.shape
    if images.shape[1:] != shape:
        raise ValueError(f"the bundle takes images {shape}, not {images.shape[1:]}")
    runner = load_stages(bundle, package=package or find_interpreter())
    return {
        name: float(np.mean(logits.argmax(axis=1) == labels))
        for name, logits in runner.logits(images).items()
    }


def load_stages(
    bundle: Bundle, sub_networks: Collection[str] | None = None, *, package: InterpreterPackage
) -> StageRunner:
    """Sub-networks (None: all) as they are served, without the delegate's note on stderr."""
    with held_back_stderr():
        return StageRunner(bundle, sub_networks, package=package)
