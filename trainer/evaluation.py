"""Measures a bundle with the serving code and the interpreter alone: no TensorFlow here."""

import numpy as np

from fluid.bundle import Bundle
from fluid.interpreter import InterpreterPackage, find_interpreter
from fluid.submodel import SubModel, combine
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
    default the one that `find_interpreter` finds. Each stage runs once; partial logits are summed
    in the order of the manifest's slots, as agents do. Raises `ValueError` for images of another
    shape, `InterpreterMissing` if there is no interpreter.
    """
    manifest = bundle.manifest
    if images.shape[1:] != manifest.input.shape:
        raise ValueError(f"the bundle takes images {manifest.input.shape}, not {images.shape[1:]}")
    package = package or find_interpreter()
    logits = {
        stage.name: load_sub_model(bundle, stage.name, package=package).run(images)
        for stage in manifest.stages
    }
    slot_order = {stage.name: manifest.slots.index(stage.slot) for stage in manifest.stages}
    accuracies = {}
    for sub_network in manifest.subnetworks:
        stages = sorted(sub_network.stages, key=slot_order.__getitem__)
        answers = combine([logits[stage] for stage in stages]).argmax(axis=1)
        accuracies[sub_network.name] = float(np.mean(answers == labels))
    return accuracies


def load_sub_model(bundle: Bundle, stage: str, *, package: InterpreterPackage) -> SubModel:
    """A stage as it is served, without the delegate's note on stderr."""
    with held_back_stderr():
        return SubModel(bundle, stage, package=package)
