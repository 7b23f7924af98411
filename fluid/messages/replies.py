"""What a requester gets: a result or a coded error for each image, as JSON.

One image gets one object, a batch gets a list of them. docs/protocol.md lists the fields.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from fluid.fields import FieldError, Fields
from fluid.messages.control import Malformed, Mode


@dataclass(frozen=True, slots=True)
class Result:
    """One image's classification.

    label: class index. class_name: its name. confidence: softmax of the winning logit, in
    [0, 1]. subnetwork, devices: what answered. bundle: short digest. degraded: a wider
    sub-network was due and could not be had. queue_ms, compute_ms: on the answering device.
    probabilities: per class, where the request asked for them. logits: likewise; each is a float32
    to the last bit, so `np.float32(logit)` is what the device added up.
    """

    id: str
    label: int
    class_name: str
    confidence: float
    mode: Mode
    subnetwork: str
    devices: tuple[str, ...]
    bundle: str
    queue_ms: float
    compute_ms: float
    degraded: bool = False
    probabilities: tuple[float, ...] | None = None
    logits: tuple[float, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        document: dict[str, Any] = {
            "id": self.id,
            "label": self.label,
            "class": self.class_name,
            "confidence": round(self.confidence, 6),
            "mode": self.mode,
            "subnetwork": self.subnetwork,
            "devices": list(self.devices),
            "bundle": self.bundle,
            "queue_ms": round(self.queue_ms, 3),
            "compute_ms": round(self.compute_ms, 3),
        }
        if self.degraded:
            document["degraded"] = True
        if self.probabilities is not None:
            document["probabilities"] = [round(p, 6) for p in self.probabilities]
        if self.logits is not None:
            # Not rounded: JSON gives each number back as it was, and so the same float32.
            document["logits"] = list(self.logits)
        return document


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """A request that has no result, and what to do about it. `code` is a `fluid.errors.ErrorCode`
    (a string here, for codes that a newer agent may know)."""

    id: str
    code: str
    message: str

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, "error": {"code": self.code, "message": self.message}}


Reply = Result | ErrorReply


@dataclass(frozen=True, slots=True)
class ResultBatch:
    """The results of a batch of images, each of which is made when it is asked for.

    What they have in common is that of `first`, the first image's; the rest is by image, as in
    `Result`. probabilities, logits: None where the request did not ask for them.
    """

    first: Result
    labels: tuple[int, ...]
    class_names: tuple[str, ...]
    confidences: tuple[float, ...]
    probabilities: tuple[tuple[float, ...], ...] | None = None
    logits: tuple[tuple[float, ...], ...] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, image: int) -> Result:
        if image == 0:
            return self.first
        return replace(
            self.first,
            label=self.labels[image],
            class_name=self.class_names[image],
            confidence=self.confidences[image],
            probabilities=None if self.probabilities is None else self.probabilities[image],
            logits=None if self.logits is None else self.logits[image],
        )

    def __iter__(self) -> Iterator[Result]:
        return map(self.__getitem__, range(len(self)))


# Of one request: a reply for each of its images, or one error.
Replies = Sequence[Reply] | ResultBatch

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def encode_replies(replies: Replies, *, as_list: bool) -> bytes:
    """The payload of an answer; `as_list` for batches, else exactly one reply is given.

    Raises ValueError for a number that is not finite: JSON has none.
    """
    if isinstance(replies, ResultBatch):
        texts = _texts_of_batch(replies)
    else:
        texts = [_text(reply) for reply in replies]
    return (f"[{','.join(texts)}]" if as_list else texts[0]).encode()


def decode_replies(payload: bytes) -> tuple[Reply, ...] | Malformed:
    """The replies in a payload: one, or as many as the batch had images."""
    try:
        document = json.loads(payload)
        items = document if isinstance(document, list) else [document]
        return tuple(_reply(Fields(item)) for item in items)
    except RecursionError:
        return Malformed("JSON nested too deeply")
    except ValueError as error:  # FieldError, JSON, UTF-8 and unknown enum members
        return Malformed(str(error))


def _reply(fields: Fields) -> Reply:
    if "error" in fields:
        error = fields.child("error")
        return ErrorReply(fields.text("id"), error.text("code"), error.text("message"))
    mode = Mode(fields.text("mode"))
    if mode is Mode.AUTO:
        raise FieldError("'mode' must be ha or ht")
    return Result(
        id=fields.text("id"),
        label=fields.integer("label"),
        class_name=fields.text("class"),
        confidence=fields.number("confidence"),
        mode=mode,
        subnetwork=fields.text("subnetwork"),
        devices=fields.texts("devices"),
        bundle=fields.text("bundle"),
        queue_ms=fields.number("queue_ms"),
        compute_ms=fields.number("compute_ms"),
        degraded="degraded" in fields and fields.raw("degraded") is True,
        probabilities=fields.numbers("probabilities") if "probabilities" in fields else None,
        logits=fields.numbers("logits") if "logits" in fields else None,
    )


# A reply as text is its `to_json`, which is the definition, but no dict is made for it: an agent
# writes thousands a second.


def _text(reply: Reply) -> str:
    if isinstance(reply, ErrorReply):
        return _encode(reply.to_json())
    return _image_text(
        _head(reply),
        _tail(reply),
        label=reply.label,
        class_name=reply.class_name,
        confidence=reply.confidence,
        probabilities=reply.probabilities,
        logits=reply.logits,
    )


def _texts_of_batch(batch: ResultBatch) -> list[str]:
    """What the images share is written once."""
    head, tail = _head(batch.first), _tail(batch.first)
    nothing = (None,) * len(batch)
    return [
        _image_text(
            head,
            tail,
            label=label,
            class_name=class_name,
            confidence=confidence,
            probabilities=probabilities,
            logits=logits,
        )
        for label, class_name, confidence, probabilities, logits in zip(
            batch.labels,
            batch.class_names,
            batch.confidences,
            batch.probabilities or nothing,
            batch.logits or nothing,
            strict=True,
        )
    ]


def _image_text(
    head: str,
    tail: str,
    *,
    label: int,
    class_name: str,
    confidence: float,
    probabilities: tuple[float, ...] | None,
    logits: tuple[float, ...] | None,
) -> str:
    text = (
        f'{head}{label},"class":{_encode(class_name)},'
        f'"confidence":{_number(round(confidence, 6))}{tail}'
    )
    if probabilities is not None:
        text += f',"probabilities":{_encode([round(p, 6) for p in probabilities])}'
    if logits is not None:
        text += f',"logits":{_encode(logits)}'
    return text + "}"


def _head(result: Result) -> str:
    """Up to where the label is due."""
    return f'{{"id":{_encode(result.id)},"label":'


def _tail(result: Result) -> str:
    """What follows the confidence, up to where probabilities may follow."""
    tail = (
        f"{_origin(result.mode, result.subnetwork, result.devices, result.bundle)},"
        f'"queue_ms":{_number(round(result.queue_ms, 3))},'
        f'"compute_ms":{_number(round(result.compute_ms, 3))}'
    )
    return f'{tail},"degraded":true' if result.degraded else tail


@lru_cache(maxsize=128)  # the same in many answers, one after the other
def _origin(mode: Mode, subnetwork: str, devices: tuple[str, ...], bundle: str) -> str:
    """What answered."""
    return (
        f',"mode":{_encode(mode)},"subnetwork":{_encode(subnetwork)},'
        f'"devices":[{",".join(map(_encode, devices))}],"bundle":{_encode(bundle)}'
    )


def _number(value: float) -> str:
    """As `_encode` writes it, which takes ten times as long for a single number."""
    return repr(value) if type(value) is float and math.isfinite(value) else _encode(value)
