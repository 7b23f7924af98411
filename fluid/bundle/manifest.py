"""The bundle manifest: what a trained model is, as plain frozen values.

Owns the format of `bundle.json` and its digest. Reads and writes no files: see `store.py`.

Terms (docs/concepts.md): a *slot* is a share of the network's width that one device holds; a
*stage* is one TFLite file and the slot it belongs to; a *sub-network* is a set of stages whose
partial logits are summed. A sub-network is *runnable* when each slot its stages need is held by
an online device. That rule alone separates the families: Fluid has one stage per slot and width,
and each runs alone; a stage that reads another slot's feature maps cannot.
"""

import hashlib
import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from fluid.bundle.rules import IMAGE, LOGITS, expect_sound
from fluid.errors import BundleError
from fluid.fields import FieldError, Fields

FORMAT_VERSION = 1
MANIFEST_NAME = "bundle.json"
RESIZE_METHODS = ("exact", "bilinear")


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What one image must look like.

    shape: (height, width, channels), channels 1 (grey) or 3 (RGB). dtype: uint8, 0..255.
    resize: "exact" refuses any other size; "bilinear" scales PNG and JPEG to `shape`.
    """

    shape: tuple[int, int, int]
    dtype: str = "uint8"
    resize: str = "exact"

    @property
    def size_bytes(self) -> int:
        """Bytes of one raw image."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Stage:
    """One TFLite file: `inputs -> output`, run by a device that holds `slot`.

    inputs: IMAGE, or names of other stages' outputs. output: LOGITS for partial logits.
    width: the share of its slot's width, in (0, 1].
    """

    name: str
    file: str
    slot: str
    width: float
    sha256: str
    size_bytes: int
    inputs: tuple[str, ...] = (IMAGE,)
    output: str = LOGITS
    macs: int | None = None


@dataclass(frozen=True, slots=True)
class SubNetwork:
    """A set of stages that classifies, and how well it did on the test split.

    Accuracies are shares in [0, 1]; None where nobody measured.
    """

    name: str
    stages: tuple[str, ...]
    float_accuracy: float | None = None
    int8_accuracy: float | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that `bundle.json` says. `training` is free-form provenance (data set, seed)."""

    name: str
    family: str
    algorithm: str
    input: InputSpec
    classes: tuple[str, ...]
    slots: tuple[str, ...]
    widths: tuple[float, ...]
    stages: tuple[Stage, ...]
    subnetworks: tuple[SubNetwork, ...]
    training: Mapping[str, Any] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION
    # Found out when first asked for: agents ask for each request.
    _widest: dict[str, Stage] = field(default_factory=dict, init=False, compare=False, repr=False)
    _names: dict[frozenset[str], str] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def to_json(self) -> dict[str, Any]:
        """The manifest as JSON-ready values."""
        return {
            "format_version": self.format_version,
            "name": self.name,
            "family": self.family,
            "algorithm": self.algorithm,
            "input": {
                "shape": list(self.input.shape),
                "dtype": self.input.dtype,
                "resize": self.input.resize,
            },
            "classes": list(self.classes),
            "slots": list(self.slots),
            "widths": list(self.widths),
            "stages": [_stage_to_json(stage) for stage in self.stages],
            "subnetworks": [
                {
                    "name": subnetwork.name,
                    "stages": list(subnetwork.stages),
                    "accuracy": {
                        "float": subnetwork.float_accuracy,
                        "int8": subnetwork.int8_accuracy,
                    },
                }
                for subnetwork in self.subnetworks
            ],
            "training": dict(self.training),
        }

    @classmethod
    def from_json(cls, document: object) -> "Manifest":
        """Read a manifest; raises `BundleError` with one line that says what is wrong."""
        try:
            fields = Fields(document)
            version = fields.integer("format_version")
            if version != FORMAT_VERSION:
                raise BundleError(
                    f"{MANIFEST_NAME}: format version {version} is unknown; "
                    f"this Fluid reads version {FORMAT_VERSION}: upgrade the older of the two"
                )
            manifest = cls(
                name=fields.text("name"),
                family=fields.text("family"),
                algorithm=fields.text("algorithm"),
                input=_input_from_json(fields.child("input")),
                classes=fields.texts("classes"),
                slots=fields.texts("slots"),
                widths=fields.numbers("widths"),
                stages=tuple(_stage_from_json(item) for item in fields.children("stages")),
                subnetworks=tuple(
                    _subnetwork_from_json(item) for item in fields.children("subnetworks")
                ),
                training=_mapping(fields.raw("training")),
            )
            expect_sound(manifest)
        except FieldError as error:
            raise BundleError(f"{MANIFEST_NAME}: {error}") from error
        return manifest

    @property
    def digest(self) -> str:
        """sha256 (hex) of the canonical manifest, which holds every file's sha256."""
        canonical = json.dumps(
            self.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
        return hashlib.sha256(canonical.encode()).hexdigest()

    def stage(self, name: str) -> Stage:
        """The stage of that name; raises `KeyError`."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise KeyError(name)

    def widest_stage(self, slot: str) -> Stage:
        """The widest partial-logits stage of a slot; raises `KeyError` for an unknown slot."""
        if not self._widest:
            self._widest.update(self._widest_by_slot())
        return self._widest[slot]

    def subnetwork_name(self, stages: Collection[str]) -> str:
        """The name of the sub-network made of these stages, or whose logits they yield; "a+b" where
        the bundle has none."""
        wanted = frozenset(stages)
        if not self._names:
            self._names.update(self._names_by_stages())
        known = self._names.get(wanted)
        if known is not None:
            return known
        return "+".join(stage.name for stage in self.stages if stage.name in wanted)

    def runnable(self, slots_online: Collection[str]) -> tuple[SubNetwork, ...]:
        """The sub-networks whose slots are all held by an online device."""
        online = frozenset(slots_online)
        return tuple(
            subnetwork
            for subnetwork in self.subnetworks
            if all(self.stage(name).slot in online for name in subnetwork.stages)
        )

    def _widest_by_slot(self) -> dict[str, Stage]:
        """The first of those that are widest."""
        widest: dict[str, Stage] = {}
        for stage in self.stages:
            if stage.width > widest.setdefault(stage.slot, stage).width:
                widest[stage.slot] = stage
        return widest

    def _names_by_stages(self) -> dict[frozenset[str], str]:
        """The names of the sub-networks by their stages, and by those that yield their logits; the
        first of each counts, and all of its stages more than the last of them."""
        names: dict[frozenset[str], str] = {}
        for subnetwork in reversed(self.subnetworks):
            last = (each for each in map(self.stage, subnetwork.stages) if each.output == LOGITS)
            names[frozenset(each.name for each in last)] = subnetwork.name
        for subnetwork in reversed(self.subnetworks):
            names[frozenset(subnetwork.stages)] = subnetwork.name
        return names


def _stage_to_json(stage: Stage) -> dict[str, Any]:
    return {
        "name": stage.name,
        "file": stage.file,
        "slot": stage.slot,
        "width": stage.width,
        "sha256": stage.sha256,
        "size_bytes": stage.size_bytes,
        "inputs": list(stage.inputs),
        "output": stage.output,
        "macs": stage.macs,
    }


def _stage_from_json(fields: Fields) -> Stage:
    file = fields.text("file")
    # A manifest may come from anywhere: a file outside the bundle must not be read through it.
    if PurePosixPath(file).name != file or file in ("", ".", ".."):
        raise FieldError(f"stage file {file!r} must be a plain file name")
    return Stage(
        name=fields.text("name"),
        file=file,
        slot=fields.text("slot"),
        width=fields.number("width"),
        sha256=fields.text("sha256"),
        size_bytes=fields.integer("size_bytes"),
        inputs=fields.texts("inputs"),
        output=fields.text("output"),
        macs=None if fields.optional_number("macs") is None else fields.integer("macs"),
    )


def _subnetwork_from_json(fields: Fields) -> SubNetwork:
    accuracy = fields.child("accuracy")
    return SubNetwork(
        name=fields.text("name"),
        stages=fields.texts("stages"),
        float_accuracy=accuracy.optional_number("float"),
        int8_accuracy=accuracy.optional_number("int8"),
    )


def _input_from_json(fields: Fields) -> InputSpec:
    shape = fields.integers("shape")
    if len(shape) != 3 or min(shape) < 1 or shape[2] not in (1, 3):
        raise FieldError("'input.shape' must be [height, width, 1 or 3]")
    spec = InputSpec(
        shape=(shape[0], shape[1], shape[2]),
        dtype=fields.text("dtype"),
        resize=fields.text("resize"),
    )
    if spec.dtype != "uint8":
        raise FieldError("'input.dtype' must be uint8")
    if spec.resize not in RESIZE_METHODS:
        raise FieldError(f"'input.resize' must be one of {', '.join(RESIZE_METHODS)}")
    return spec


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise FieldError("'training' must be a JSON object")
    return value
