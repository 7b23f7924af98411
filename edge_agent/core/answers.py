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
    probabilities = softmax(logits)
    labels = logits.argmax(axis=1)
    devices = tuple(dict.fromkeys(contributions[stage].device for stage in stages))
    # Devices work at the same time, so the slowest is what the answer took.
    compute_ms = max(contributions[stage].compute_ms for stage in stages)
    return tuple(
        Result(
            id=request.id,
            label=int(label),
            class_name=manifest.classes[label],
            confidence=float(probabilities[index, label]),
            mode=mode,
            subnetwork=manifest.subnetwork_name(stages),
            devices=devices,
            bundle=digest[:_SHORT_DIGEST],
            queue_ms=queue_ms,
            compute_ms=compute_ms,
            degraded=degraded,
            probabilities=(
                tuple(float(p) for p in probabilities[index])
                if request.wants_probabilities
                else None
            ),
            logits=tuple(float(each) for each in logits[index]) if request.wants_logits else None,
        )
        for index, label in enumerate(labels)
    )


def build_error(request: Request, fault: RequestFault) -> tuple[Reply, ...]:
    """The one reply of a request that cannot be answered."""
    return (ErrorReply(request.id, fault.code, fault.message),)


def softmax(logits: Logits) -> NDArray[np.float32]:
    """Row-wise softmax of float32 logits (images, classes)."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float32] = shifted / shifted.sum(axis=1, keepdims=True)
    return probabilities
