"""A bundle without files: what simulated devices say they serve, and the logits they yield."""

import hashlib

import numpy as np

from fluid.bundle import InputSpec, Manifest, Stage, SubNetwork
from fluid.submodel import Logits

CLASSES = tuple(str(digit) for digit in range(10))


def _stage(name: str, slot: str, width: float) -> Stage:
    return Stage(name, f"{name}.tflite", slot, width, sha256="0" * 64, size_bytes=1)


MANIFEST = Manifest(
    name="simulated",
    family="fluid",
    algorithm="none",
    input=InputSpec((8, 8, 1)),
    classes=CLASSES,
    slots=("lower", "upper"),
    widths=(0.5, 1.0),
    stages=(
        _stage("lower25", "lower", 0.5),
        _stage("lower50", "lower", 1.0),
        _stage("upper25", "upper", 0.5),
        _stage("upper50", "upper", 1.0),
    ),
    subnetworks=(
        SubNetwork("lower50", ("lower50",)),
        SubNetwork("upper50", ("upper50",)),
        SubNetwork("100", ("lower50", "upper50")),
    ),
)


def simulated_logits(stage: str, payload: bytes) -> Logits:
    """Logits (1, 10) that depend on the stage and the payload alone, as an interpreter's do."""
    digest = hashlib.sha256(stage.encode() + b"|" + payload).digest()
    return np.frombuffer(digest[:10], np.uint8).astype(np.float32).reshape(1, 10) / np.float32(7)
