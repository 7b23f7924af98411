"""What a requester gets: a result or a coded error for each image, as JSON.

One image gets one object, a batch gets a list of them. docs/protocol.md lists the fields.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
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

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def encode_replies(replies: Sequence[Reply], *, as_list: bool) -> bytes:
    """The payload of an answer; `as_list` for batches, else exactly one reply is given.

    Raises ValueError for a number that is not finite: JSON has none.
    """
    if not as_list:
        return _texts(replies[:1])[0].encode()
    return f"[{','.join(_texts(replies))}]".encode()


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


def _texts(replies: Sequence[Reply]) -> list[str]:
    """Each reply as JSON: its `to_json`, which is the definition, without making a dict of it.

    An agent writes thousands of results a second, and those of a batch have most in common, so
    what the next result shares with the one before is not written anew.
    """
    texts = []
    before: Result | None = None
    head = tail = ""
    for reply in replies:
        if isinstance(reply, ErrorReply):
            texts.append(_encode(reply.to_json()))
            continue
        if before is None or not _have_much_in_common(before, reply):
            head, tail = _head(reply), _tail(reply)
        before = reply
        text = (
            f'{head}{reply.label},"class":{_encode(reply.class_name)},'
            f'"confidence":{_number(round(reply.confidence, 6))}{tail}'
        )
        if reply.probabilities is not None:
            text += f',"probabilities":{_encode([round(p, 6) for p in reply.probabilities])}'
        if reply.logits is not None:
            text += f',"logits":{_encode(reply.logits)}'
        texts.append(text + "}")
    return texts


def _have_much_in_common(one: Result, other: Result) -> bool:
    """Whether two results have the same head and tail. By identity: equal numbers, such as 0.0 and
    -0.0, may differ as text."""
    return (
        one.id is other.id
        and one.mode is other.mode
        and one.subnetwork is other.subnetwork
        and one.devices is other.devices
        and one.bundle is other.bundle
        and one.queue_ms is other.queue_ms
        and one.compute_ms is other.compute_ms
        and one.degraded is other.degraded
    )


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
