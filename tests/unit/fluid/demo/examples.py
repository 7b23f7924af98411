"""Results and observations for the tests of the demonstration's pure parts."""

from fluid.demo.measurement import Observation
from fluid.messages.control import Mode
from fluid.messages.replies import Result

BOTH = ("master", "worker")


def observed(
    *devices: str,
    mode: Mode = Mode.HA,
    subnetwork: str = "100",
    label: int = 3,
    answer: int = 3,
    latency_ms: float = 10.0,
) -> Observation:
    """One image that was answered by `devices`."""
    result = Result(
        id="r",
        label=answer,
        class_name=str(answer),
        confidence=0.9,
        mode=mode,
        subnetwork=subnetwork,
        devices=devices,
        bundle="b",
        queue_ms=0.0,
        compute_ms=0.0,
    )
    return Observation(label, latency_ms, result=result)
