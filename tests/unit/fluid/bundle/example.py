"""A small Fluid bundle for tests: two slots of two widths, with bytes that are no real models."""

import hashlib

from fluid.bundle import Bundle, InputSpec, Manifest, Stage, SubNetwork

STAGE_NAMES = ("lower25", "lower50", "upper25", "upper50")


def example_bundle() -> Bundle:
    models = {name: f"model of {name}".encode() for name in STAGE_NAMES}
    manifest = Manifest(
        name="digits",
        family="fluid",
        algorithm="nested",
        input=InputSpec(shape=(8, 8, 1)),
        classes=("zero", "one"),
        slots=("lower", "upper"),
        widths=(0.5, 1.0),
        stages=tuple(_stage(name, model) for name, model in models.items()),
        subnetworks=(
            *(SubNetwork(name, (name,), 0.96, 0.955) for name in STAGE_NAMES),
            SubNetwork("75", ("lower50", "upper25"), 0.97),
            SubNetwork("100", ("lower50", "upper50"), 0.98, 0.979),
        ),
        training={"dataset": "digits", "seed": 7},
    )
    return Bundle(manifest, models)


def _stage(name: str, model: bytes) -> Stage:
    return Stage(
        name=name,
        file=f"{name}.tflite",
        slot=name[:5],
        width=1.0 if name.endswith("50") else 0.5,
        sha256=hashlib.sha256(model).hexdigest(),
        size_bytes=len(model),
        macs=1000,
    )
