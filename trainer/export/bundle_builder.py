"""Fills a bundle: converts each sub-model, checks parity, and measures what is written down.

Nothing that changes from run to run (times, paths) goes into the manifest: the same weights give
the same digest.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from fluid.bundle import Bundle, InputSpec, Manifest, Stage, SubNetwork
from fluid.interpreter import InterpreterPackage
from trainer.data import Dataset, Images
from trainer.errors import ExportError
from trainer.evaluation import evaluate_bundle, load_sub_model
from trainer.export.parity import assert_parity
from trainer.export.tflite import convert
from trainer.models import FloatSubModel, SlicedCNN
from trainer.training.measure import FloatEvaluator

FAMILY = "fluid"
ALGORITHM = "nested"
# Generous: the narrowest sub-models are unsure of some images, and one step of quantisation tips
# those. It is there to catch a broken export, which disagrees on most.
MAX_TOP1_DROP = 0.05
_CALIBRATION_IMAGES = 500


def build_bundle(
    network: SlicedCNN,
    dataset: Dataset,
    *,
    package: InterpreterPackage,
    training: Mapping[str, Any],
) -> Bundle:
    """Export a trained network and measure it, in float and int8, on the test split.

    package: the interpreter to measure with. training: provenance for the manifest, JSON-ready.
    Raises `ExportError`, or `ParityError` if a file answers otherwise than its original.
    """
    sub_models = [network.sub_model(spec) for spec in network.topology.sub_models()]
    calibration = calibration_images(dataset.train.images)
    models = {sub_model.name: convert(sub_model, calibration) for sub_model in sub_models}
    bundle = Bundle(_manifest(network, dataset, sub_models, models, training), models)
    for sub_model in sub_models:
        exported = load_sub_model(bundle, sub_model.name, package=package)
        images = dataset.validation.images
        assert_parity(sub_model, exported, images, max_top1_drop=MAX_TOP1_DROP)
    return Bundle(_measured(bundle, network, dataset, package), models)


def calibration_images(images: Images) -> Images:
    """Up to 500 images, evenly spread over these, that hold both extremes of a pixel's value.

    Raises `ExportError` if no image holds 0 or none holds 255.
    """
    count = min(_CALIBRATION_IMAGES, len(images))
    spread = np.linspace(0, len(images) - 1, num=count, dtype=np.intp)
    extremes = [np.flatnonzero((images == value).any(axis=(1, 2, 3)))[:1] for value in (0, 255)]
    if not all(len(found) for found in extremes):
        raise ExportError("training images must use the whole range of pixel values, 0 to 255")
    chosen: Images = images[np.unique(np.concatenate([spread, *extremes]))]
    return chosen


def _manifest(
    network: SlicedCNN,
    dataset: Dataset,
    sub_models: list[FloatSubModel],
    models: Mapping[str, bytes],
    training: Mapping[str, Any],
) -> Manifest:
    topology = network.topology
    stages = tuple(
        Stage(
            name=spec.name,
            file=f"{spec.name}.tflite",
            slot=topology.slots[spec.slot],
            width=topology.widths[spec.level],
            sha256=hashlib.sha256(models[spec.name]).hexdigest(),
            size_bytes=len(models[spec.name]),
            macs=sub_model.macs,
        )
        for spec, sub_model in zip(topology.sub_models(), sub_models, strict=True)
    )
    return Manifest(
        name=f"{dataset.name}-cnn",
        family=FAMILY,
        algorithm=ALGORITHM,
        input=InputSpec(shape=dataset.image_shape),
        classes=dataset.classes,
        slots=topology.slots,
        widths=topology.widths,
        stages=stages,
        subnetworks=tuple(
            SubNetwork(spec.name, tuple(sub_model.name for sub_model in spec.sub_models))
            for spec in topology.sub_networks()
        ),
        training=training,
    )


def _measured(
    bundle: Bundle, network: SlicedCNN, dataset: Dataset, package: InterpreterPackage
) -> Manifest:
    test = dataset.test
    in_float = FloatEvaluator(network, test).accuracies(network.topology.sub_networks())
    in_int8 = evaluate_bundle(bundle, test.images, test.labels, package=package)
    return replace(
        bundle.manifest,
        subnetworks=tuple(
            replace(
                sub_network,
                float_accuracy=in_float[sub_network.name],
                int8_accuracy=in_int8[sub_network.name],
            )
            for sub_network in bundle.manifest.subnetworks
        ),
    )
