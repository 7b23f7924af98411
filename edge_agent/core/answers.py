"""From partial logits to replies: the last step of every answer."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.events import Request, RequestFault
from fluid.bundle import Manifest
from fluid.messages import ErrorReply, Mode, Reply, Result
from fluid.submodel import Logits, combine

_SHORT_DIGEST = 12


@dataclass(frozen=True, slots=True)
class Contribution:
    """One stage's logits for all images of a request, and who computed them."""

    logits: Logits
    device: str
    compute_ms: float


def build_results(
    request: Request,
    contributions: Mapping[str, Contribution],
    *,
    manifest: Manifest,
    digest: str,
    mode: Mode,
    queue_ms: float,
    degraded: bool,
) -> tuple[Reply, ...]:
    """A result for each image of a request, from its contributions by stage (at least one).

    The logits are added in the manifest's stage order, so that equal contributions give equal
    bits whichever device adds them.
    """
    stages = [stage.name for stage in manifest.stages if stage.name in contributions]
    logits = combine([contributions[stage].logits for stage in stages])
    # For all images at once, and as Python's own numbers: one by one, each costs as much as all.
    labels: list[int] = logits.argmax(axis=1).tolist()
    sums: list[list[float]] = logits.tolist()
    probabilities: list[list[float]] = softmax(logits).tolist()
    # What is the same for all images is one object in all their results: so it is written once
    # (`fluid.messages.encode_replies`).
    subnetwork = manifest.subnetwork_name(stages)
    devices = tuple(dict.fromkeys([contributions[stage].device for stage in stages]))
    # Devices work at the same time, so the slowest is what the answer took.
    compute_ms = max([contributions[stage].compute_ms for stage in stages])
    bundle = digest[:_SHORT_DIGEST]
    results = [
        Result(
            id=request.id,
            label=label,
            class_name=manifest.classes[label],
            confidence=shares[label],
            mode=mode,
            subnetwork=subnetwork,
            devices=devices,
            bundle=bundle,
            queue_ms=queue_ms,
            compute_ms=compute_ms,
            degraded=degraded,
            probabilities=tuple(shares) if request.wants_probabilities else None,
            logits=tuple(each) if request.wants_logits else None,
        )
        for label, shares, each in zip(labels, probabilities, sums, strict=True)
    ]
    return tuple(results)


def build_error(request: Request, fault: RequestFault) -> tuple[Reply, ...]:
    """The one reply of a request that cannot be answered."""
    return (ErrorReply(request.id, fault.code, fault.message),)


def softmax(logits: Logits) -> NDArray[np.float32]:
    """Row-wise softmax of float32 logits (images, classes)."""
    # An array's own methods reach these reductions through Python, at twice the cost for one image.
    largest: Logits = np.maximum.reduce(logits, axis=1, keepdims=True)
    shifted = np.exp(logits - largest)
    probabilities: NDArray[np.float32] = shifted / np.add.reduce(shifted, axis=1, keepdims=True)
    return probabilities
