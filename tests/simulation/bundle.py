"""Bundles without files: what simulated devices say they serve, and the logits they yield."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from edge_agent.core.edition import Edition
from edge_agent.core.events import FeatureMap
from fluid.bundle import IMAGE, LOGITS, InputSpec, Manifest, Stage, SubNetwork
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


def _cut(name: str, upper_reads: tuple[str, ...], lower_reads: tuple[str, ...]) -> Manifest:
    """Two slots whose second layer reads maps of the first; and a stage that needs nobody."""
    both = ("conv.lower", "conv.upper", "logits.lower", "logits.upper")
    alone = SubNetwork("lower50", ("lower50",))
    whole = SubNetwork("100", both)
    whole_stages = () if name == "static" else (_stage("lower50", "lower", 1.0),)
    return Manifest(
        name=name,
        family=name,
        algorithm="none",
        input=InputSpec((8, 8, 1)),
        classes=CLASSES,
        slots=("lower", "upper"),
        widths=(1.0,),
        stages=(
            *whole_stages,
            replace(_stage("conv.lower", "lower", 1.0), output="conv.lower"),
            replace(_stage("conv.upper", "upper", 1.0), output="conv.upper"),
            replace(_stage("logits.lower", "lower", 1.0), inputs=lower_reads),
            replace(_stage("logits.upper", "upper", 1.0), inputs=upper_reads),
        ),
        subnetworks=(whole,) if name == "static" else (alone, whole),
    )


_BOTH = ("conv.lower", "conv.upper")
# What a story may be about from its start on, by the family's name.
FAMILIES = {
    "fluid": FIRST,
    "static": Edition(_cut("static", _BOTH, _BOTH), "12" * 32),
    "dynamic": Edition(_cut("dynamic", _BOTH, ("conv.lower",)), "34" * 32),
}


def edition_of(short_digest: str) -> Edition | None:
    """The bundle that an answer names."""
    known = (*EDITIONS, *FAMILIES.values())
    return next((each for each in known if each.digest.startswith(short_digest)), None)


def simulated_logits(digest: str, stage: str, payload: bytes) -> Logits:
    """Logits (1, 10) that depend on bundle, stage and payload alone, as an interpreter's do."""
    return _logits(hashlib.sha256(f"{digest}|{stage}|".encode() + payload).digest())


def simulated_run(
    edition: Edition, stages: Sequence[str], payload: bytes, maps: Mapping[str, FeatureMap]
) -> tuple[dict[str, Logits], dict[str, FeatureMap]]:
    """What stages yield one after the other: logits, and feature maps, by stage. These depend on
    all that a stage reads."""
    known = {IMAGE: payload, **{name: values.tobytes() for name, values in maps.items()}}
    logits: dict[str, Logits] = {}
    yielded: dict[str, FeatureMap] = {}
    for name in stages:
        stage = edition.manifest.stage(name)
        read = b"|".join(known[each] for each in stage.inputs)
        drawn = hashlib.sha256(f"{edition.digest}|{name}|".encode() + read).digest()
        if stage.output == LOGITS:
            logits[name] = _logits(drawn)
        else:
            known[stage.output] = drawn
            yielded[name] = np.frombuffer(drawn, np.int8).reshape(1, -1)
    return logits, yielded


def _logits(drawn: bytes) -> Logits:
    return np.frombuffer(drawn[:10], np.uint8).astype(np.float32).reshape(1, 10) / np.float32(7)
