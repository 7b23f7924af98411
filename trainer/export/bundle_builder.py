"""Fills a bundle: converts each stage, checks parity, and measures what is written down.

Nothing that changes from run to run (times, paths) goes into the manifest: the same weights give
the same digest.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluid.bundle import Bundle, Manifest, Stage, SubNetwork
from fluid.interpreter import InterpreterPackage
from trainer.architecture import short_name
from trainer.data import Dataset, Images, Split
from trainer.evaluation import load_stages
from trainer.export.loss import assert_little_loss
from trainer.export.parity import assert_parity
from trainer.export.staging import PlannedStage, plan_stages
from trainer.export.tflite import convert
from trainer.models import SlicedCNN
from trainer.training.measure import FloatEvaluator

# Generous: the narrowest sub-models are unsure of some images, and one step of quantisation tips
# those. It is there to catch a broken export, which disagrees on most.
MAX_TOP1_DROP = 0.05
_CALIBRATION_IMAGES = 500
_REHEARSED_IMAGES = 8


def build_bundle(
    network: SlicedCNN,
    dataset: Dataset,
    *,
    algorithm: str,
    package: InterpreterPackage,
    training: Mapping[str, Any],
    max_int8_drop: float | None = None,
) -> Bundle:
    """Export a trained network and measure it, in float and int8, on the test split.

    algorithm: how it was trained. package: the interpreter to measure with. training: provenance
    for the manifest, JSON-ready. max_int8_drop: the accuracy, in [0, 1], that a sub-network may
    lose on the test split; None for half a point, unless a greater loss may be chance. Raises
    `ExportError`, `ParityError` if files answer otherwise than their original, and
    `QuantizationLoss`.
    """
    planned = plan_stages(network, calibration_images(dataset.train.images))
    models = {stage.name: convert(stage.original, stage.calibration) for stage in planned}
    manifest = Manifest(
        name=f"{dataset.name}-{short_name(network.architecture)}",
        family=network.topology.family.value,
        algorithm=algorithm,
        input=dataset.input_spec,
        classes=dataset.classes,
        slots=network.topology.slots,
        widths=network.topology.widths,
        stages=tuple(_stage(stage, models[stage.name]) for stage in planned),
        subnetworks=tuple(
            SubNetwork(
                spec.name, tuple(stage.name for stage in planned if spec.name in stage.sub_networks)
            )
            for spec in network.topology.sub_networks()
        ),
        training=training,
    )
    measured = _Measurement(network, Bundle(manifest, models), package)
    measured.check_parity(dataset.validation.images)
    manifest = replace(
        manifest, subnetworks=measured.accuracies(dataset.test, max_drop=max_int8_drop)
    )
    return Bundle(manifest, models)


def rehearse_export(network: SlicedCNN, dataset: Dataset) -> None:
    """Convert the widest sub-models of an untrained network.

    What layers of a user's own cannot be exported is found out before training, not after. Raises
    `ExportError`.
    """
    images = calibration_images(dataset.train.images)[:_REHEARSED_IMAGES]
    for stage in plan_stages(network, calibration_images(images)):
        if stage.width == 1.0:
            convert(stage.original, stage.calibration)


def calibration_images(images: Images) -> Images:
    """Up to 500 images, evenly spread over these, that hold both extremes of a pixel's value.

    Where no image holds 0 or 255, as may be with photographs, one is added with a corner that does:
    an exported file takes pixels as they are only if it was calibrated with the whole range.
    """
    count = min(_CALIBRATION_IMAGES, len(images))
    spread = np.linspace(0, len(images) - 1, num=count, dtype=np.intp)
    extremes = {
        value: np.flatnonzero((images == value).any(axis=(1, 2, 3)))[:1] for value in (0, 255)
    }
    chosen = [images[np.unique(np.concatenate([spread, *extremes.values()]))]]
    for value, found in extremes.items():
        if not len(found):
            # A copy, so that no extreme is written over by the other, however small images are.
            added = images[:1].copy()
            added[0, 0, 0] = value
            chosen.append(added)
    return np.concatenate(chosen)


class _Measurement:
    """A network and its exported files, side by side."""

    def __init__(self, network: SlicedCNN, bundle: Bundle, package: InterpreterPackage) -> None:
        self._bundle = bundle
        self._in_float = FloatEvaluator(network, network.topology.sub_networks())
        self._in_int8 = load_stages(bundle, package=package)

    def check_parity(self, images: Images) -> None:
        """Raise `ParityError` unless every sub-network answers alike on both sides."""
        original, exported = self._in_float.logits(images), self._in_int8.logits(images)
        for name in original:
            assert_parity(name, original[name], exported[name], max_top1_drop=MAX_TOP1_DROP)

    def accuracies(self, split: Split, *, max_drop: float | None) -> tuple[SubNetwork, ...]:
        """The bundle's sub-networks with their accuracies filled in.

        Raises `QuantizationLoss` for one that loses more than `max_drop`, and not by chance.
        """
        original, exported = self._in_float.logits(split.images), self._in_int8.logits(split.images)
        measured = []
        for sub_network in self._bundle.manifest.subnetworks:
            name = sub_network.name
            in_float, in_int8 = _right(original[name], split), _right(exported[name], split)
            assert_little_loss(name, in_float, in_int8, max_drop=max_drop)
            measured.append(
                replace(
                    sub_network,
                    float_accuracy=float(np.mean(in_float)),
                    int8_accuracy=float(np.mean(in_int8)),
                )
            )
        return tuple(measured)


def _right(logits: NDArray[np.float32], split: Split) -> NDArray[np.bool_]:
    """Which images are classified correctly."""
    right: NDArray[np.bool_] = logits.argmax(axis=1) == split.labels
    return right


def _stage(planned: PlannedStage, model: bytes) -> Stage:
    original = planned.original
    return Stage(
        name=original.name,
        file=f"{original.name}.tflite",
        slot=planned.slot,
        width=planned.width,
        sha256=hashlib.sha256(model).hexdigest(),
        size_bytes=len(model),
        inputs=original.inputs,
        output=original.output,
        macs=original.macs,
    )
