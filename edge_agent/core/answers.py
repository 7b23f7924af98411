"""From partial logits to replies: the last step of every answer."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.events import Request, RequestFault
from fluid.bundle import Manifest
from fluid.messages import ErrorReply, Mode, Replies, Reply, Result, ResultBatch
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
) -> Replies:
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
    confidences = [shares[label] for shares, label in zip(probabilities, labels, strict=True)]
    shares_wanted, logits_wanted = request.wants_probabilities, request.wants_logits
    first = Result(
        id=request.id,
        label=labels[0],
        class_name=manifest.classes[labels[0]],
        confidence=confidences[0],
        mode=mode,
        subnetwork=manifest.subnetwork_name(stages),
        devices=tuple(dict.fromkeys([contributions[stage].device for stage in stages])),
        bundle=digest[:_SHORT_DIGEST],
        queue_ms=queue_ms,
        # Devices work at the same time, so the slowest is what the answer took.
        compute_ms=max([contributions[stage].compute_ms for stage in stages]),
        degraded=degraded,
        probabilities=tuple(probabilities[0]) if shares_wanted else None,
        logits=tuple(sums[0]) if logits_wanted else None,
    )
    if len(labels) == 1:
        return (first,)
    return ResultBatch(
        first,
        labels=tuple(labels),
        class_names=tuple([manifest.classes[label] for label in labels]),
        confidences=tuple(confidences),
        probabilities=tuple(map(tuple, probabilities)) if shares_wanted else None,
        logits=tuple(map(tuple, sums)) if logits_wanted else None,
    )


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
