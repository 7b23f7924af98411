"""A cluster of two as its observers see it, to be changed by `dataclasses.replace`."""

from collections.abc import Mapping

from fluid.client import ClusterSnapshot
from fluid.client.observer import ClusterView
from fluid.messages.control import AgentState, ClusterState, Heartbeat, Mode, Presence, Role
from fluid.messages.replies import ErrorReply, Result

MASTER = Presence(
    "master", AgentState.ONLINE, Role.MASTER, 100, 1, bundle="abc", serving=Mode.HA
)  # fmt: skip
WORKER = Presence(
    "worker", AgentState.ONLINE, Role.WORKER, 10, 1, bundle="abc", serving=Mode.HA
)  # fmt: skip
STATE = ClusterState(
    3,
    1,
    "master",
    Mode.HA,
    Mode.AUTO,
    ("master", "worker"),
    {"lower": ("master",), "upper": ("worker",)},
)


def view(
    *presences: Presence,
    state: ClusterState | None = STATE,
    heard_at_s: float | Mapping[str, float] = 10.0,
    trouble: str = "",
) -> ClusterView:
    """What is known; by default of both. heard_at_s: when the last heartbeats came."""
    presences = presences or (MASTER, WORKER)
    moments = (
        dict(heard_at_s)
        if isinstance(heard_at_s, Mapping)
        else {each.agent: heard_at_s for each in presences}
    )
    beats = {agent: Heartbeat(agent, 1, 5, queue=2, busy=0.25) for agent in moments}
    return ClusterView(ClusterSnapshot(presences, state, beats, 0, moments), trouble)


def result(
    request_id: str = "door-7",
    *,
    subnetwork: str = "100",
    queue_ms: float = 1.0,
    probabilities: tuple[float, ...] | None = None,
) -> Result:
    return Result(
        id=request_id,
        label=7,
        class_name="7",
        confidence=0.9,
        mode=Mode.HA,
        subnetwork=subnetwork,
        devices=("master", "worker"),
        bundle="abc",
        queue_ms=queue_ms,
        compute_ms=2.0,
        probabilities=probabilities,
    )


def error(request_id: str = "door-7", code: str = "wrong_shape", message: str = "no") -> ErrorReply:
    return ErrorReply(request_id, code, message)
