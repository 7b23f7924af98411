"""What a manifest must hold beyond its fields' types, so that nothing that reads it stumbles.

Every text that ends up in a file name, a topic or a line for people is one line of valid Unicode;
every name means one thing; every sub-network can be run and its logits summed.
"""

import json
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fluid.fields import FieldError

if TYPE_CHECKING:
    from fluid.bundle.manifest import Manifest, Stage, SubNetwork

IMAGE = "image"
LOGITS = "logits"

# Control characters, lone surrogates, and the two characters that end a line or a paragraph.
_UNSPEAKABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})


def is_one_line(text: str) -> bool:
    """Whether a text can be shown in a line, put into a file name, and encoded as UTF-8."""
    return not any(unicodedata.category(character) in _UNSPEAKABLE for character in text)


def expect_sound(manifest: "Manifest") -> None:
    """Raise `FieldError`, with one line that says what is wrong, for a manifest that is not."""
    _expect_texts(manifest)
    _expect_encodable(manifest.training)
    if not manifest.slots or not manifest.stages or not manifest.subnetworks:
        raise FieldError("'slots', 'stages' and 'subnetworks' must not be empty")
    _expect_different("slots", manifest.slots)
    _expect_different("stages", [stage.name for stage in manifest.stages])
    _expect_different("subnetworks", [each.name for each in manifest.subnetworks])
    for width in manifest.widths:
        _expect_width("'widths'", width)
    for stage in manifest.stages:
        _expect_stage(stage, manifest.slots)
    for slot in manifest.slots:
        if all(stage.slot != slot for stage in manifest.stages):
            raise FieldError(f"slot '{slot}' has no stage")
    _expect_joined(manifest.stages)
    by_name = {stage.name: stage for stage in manifest.stages}
    for subnetwork in manifest.subnetworks:
        _expect_subnetwork(subnetwork, by_name)


def _expect_texts(manifest: "Manifest") -> None:
    for text in _texts(manifest):
        if not is_one_line(text):
            # As Python writes it, so that the message itself is one line.
            raise FieldError(f"{text!r} holds a control character or no valid Unicode")


def _texts(manifest: "Manifest") -> Iterator[str]:
    yield from (manifest.name, manifest.family, manifest.algorithm)
    yield from manifest.classes
    yield from manifest.slots
    for stage in manifest.stages:
        yield from (stage.name, stage.file, stage.slot, stage.sha256, stage.output, *stage.inputs)
    for subnetwork in manifest.subnetworks:
        yield from (subnetwork.name, *subnetwork.stages)


def _expect_encodable(training: Mapping[str, Any]) -> None:
    """The digest is taken of all of it, in UTF-8."""
    try:
        json.dumps(training, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise FieldError("'training' holds a text of no valid Unicode") from error


def _expect_different(field: str, names: Collection[str]) -> None:
    if len(set(names)) != len(names):
        raise FieldError(f"'{field}' must have different names")


def _expect_width(where: str, width: float) -> None:
    if not 0 < width <= 1:
        raise FieldError(f"{where} must be above 0 and at most 1, not {width}")


def _expect_stage(stage: "Stage", slots: Collection[str]) -> None:
    if stage.slot not in slots:
        raise FieldError(f"stage '{stage.name}' names the unknown slot '{stage.slot}'")
    _expect_width(f"the width of stage '{stage.name}'", stage.width)
    if stage.macs is not None and stage.macs < 0:
        raise FieldError(f"the macs of stage '{stage.name}' must not be negative")
    if not stage.inputs:
        raise FieldError(f"stage '{stage.name}' must have an input")


def _expect_joined(stages: Sequence["Stage"]) -> None:
    """Every feature map has one writer, and no stage waits for itself."""
    maps = [stage.output for stage in stages if stage.output != LOGITS]
    if len({IMAGE, *maps}) != len(maps) + 1:
        raise FieldError(
            f"outputs of 'stages' other than {LOGITS} must be different, and not '{IMAGE}'"
        )
    for stage in stages:
        if unknown := set(stage.inputs) - {IMAGE, *maps}:
            raise FieldError(f"stage '{stage.name}' has unknown inputs {sorted(unknown)}")
    waiting, known = list(stages), {IMAGE}
    while waiting:
        blocked = [stage for stage in waiting if not known.issuperset(stage.inputs)]
        if len(blocked) == len(waiting):
            names = ", ".join(stage.name for stage in blocked)
            raise FieldError(f"stages {names} read each other in a circle")
        known.update(stage.output for stage in waiting if stage not in blocked)
        waiting = blocked


def _expect_subnetwork(subnetwork: "SubNetwork", by_name: Mapping[str, "Stage"]) -> None:
    where = f"sub-network '{subnetwork.name}'"
    if unknown := set(subnetwork.stages) - by_name.keys():
        raise FieldError(f"{where} names unknown stages {sorted(unknown)}")
    if len(set(subnetwork.stages)) != len(subnetwork.stages):
        raise FieldError(f"{where} names a stage twice")
    last = [by_name[name].slot for name in subnetwork.stages if by_name[name].output == LOGITS]
    if not last or len(set(last)) != len(last):
        raise FieldError(f"{where} must have {LOGITS}, and of each slot at most once")
    for accuracy in (subnetwork.float_accuracy, subnetwork.int8_accuracy):
        if accuracy is not None and not 0 <= accuracy <= 1:
            raise FieldError(f"{where} has an accuracy of {accuracy}, which is not from 0 to 1")
