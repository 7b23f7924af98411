"""Bundles without files: what simulated devices say they serve, and the logits they yield."""

import hashlib

import numpy as np

from edge_agent.core.edition import Edition
from fluid.bundle import InputSpec, Manifest, Stage, SubNetwork
from fluid.submodel import Logits

CLASSES = tuple(str(digit) for digit in range(10))


def _stage(name: str, slot: str, width: float) -> Stage:
    return Stage(name, f"{name}.tflite", slot, width, sha256="0" * 64, size_bytes=1)


def _manifest(name: str, first: str, second: str) -> Manifest:
    """Two slots, each in two widths."""
    return Manifest(
        name=name,
        family="fluid",
        algorithm="none",
        input=InputSpec((8, 8, 1)),
        classes=CLASSES,
        slots=(first, second),
        widths=(0.5, 1.0),
        stages=(
            _stage(f"{first}25", first, 0.5),
            _stage(f"{first}50", first, 1.0),
            _stage(f"{second}25", second, 0.5),
            _stage(f"{second}50", second, 1.0),
        ),
        subnetworks=(
            SubNetwork(f"{first}50", (f"{first}50",)),
            SubNetwork(f"{second}50", (f"{second}50",)),
            SubNetwork("100", (f"{first}50", f"{second}50")),
        ),
    )


FIRST = Edition(_manifest("simulated", "lower", "upper"), "ab" * 32)
RETRAINED = Edition(_manifest("retrained", "lower", "upper"), "cd" * 32)
REDIVIDED = Edition(_manifest("redivided", "left", "right"), "ef" * 32)
EDITIONS = (FIRST, RETRAINED, REDIVIDED)


def edition_of(short_digest: str) -> Edition | None:
    """The bundle that an answer names."""
    return next((each for each in EDITIONS if each.digest.startswith(short_digest)), None)


def simulated_logits(digest: str, stage: str, payload: bytes) -> Logits:
    """Logits (1, 10) that depend on bundle, stage and payload alone, as an interpreter's do."""
    drawn = hashlib.sha256(f"{digest}|{stage}|".encode() + payload).digest()
    return np.frombuffer(drawn[:10], np.uint8).astype(np.float32).reshape(1, 10) / np.float32(7)
