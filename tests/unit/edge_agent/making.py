"""Values for the tests of the agent, short to write: who, what and when, nothing else."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from edge_agent.core.effects import Effect
from edge_agent.core.events import Computed, Request, RequestArrived, RequestFault, Route
from edge_agent.core.settings import Settings, Timing
from edge_agent.core.team import Team
from fluid.bundle import InputSpec, Manifest, Stage, SubNetwork
from fluid.bus import Message
from fluid.messages import (
    AgentState,
    ClusterState,
    Feature,
    Heartbeat,
    Mode,
    Partial,
    Presence,
    Result,
    Role,
    request_key,
)
from fluid.submodel import Logits

DIGEST = "ab" * 32
OTHER_DIGEST = "cd" * 32
TIMING = Timing()

_Kind = TypeVar("_Kind")


def manifest_of(*slots: str) -> Manifest:
    """A manifest of these slots, each with the stages `<slot>25` and `<slot>50`; 3 classes."""
    widths = (0.5, 1.0)
    stages = tuple(
        Stage(f"{slot}{int(50 * width)}", f"{slot}.tflite", slot, width, "0" * 64, 1)
        for slot in slots
        for width in widths
    )
    widest = tuple(f"{slot}50" for slot in slots)
    return Manifest(
        name="made",
        family="fluid",
        algorithm="none",
        input=InputSpec((2, 2, 1)),
        classes=("ant", "bee", "cat"),
        slots=slots,
        widths=widths,
        stages=stages,
        subnetworks=(*(SubNetwork(name, (name,)) for name in widest), SubNetwork("100", widest)),
    )


MANIFEST = manifest_of("lower", "upper")
STAGES = tuple(stage.name for stage in MANIFEST.stages)


def settings(agent: str = "a", **changes: Any) -> Settings:
    return replace(Settings(agent, Role.WORKER, MANIFEST, DIGEST), **changes)


def presence(agent: str, incarnation: int = 1, **changes: Any) -> Presence:
    made = Presence(
        agent=agent,
        state=AgentState.ONLINE,
        role=Role.WORKER,
        priority=Role.WORKER.priority,
        incarnation=incarnation,
        bundle=DIGEST,
    )
    return replace(made, **changes)


def offline(agent: str, incarnation: int = 1) -> Presence:
    return presence(agent, incarnation, state=AgentState.OFFLINE)


def heartbeat(agent: str, incarnation: int = 1, **load: Any) -> Heartbeat:
    return Heartbeat(agent, incarnation, sequence=1, **load)


def cluster_state(term: int, leader: str, **changes: Any) -> ClusterState:
    return replace(ClusterState(term, 0, leader, Mode.HA), **changes)


def request(name: str = "1", payload: bytes = b"image", **changes: Any) -> Request:
    """A request to `fluid/infer/<name>`."""
    message = Message(f"fluid/infer/{name}", payload, qos=1)
    key = request_key(reply_to=f"fluid/result/{name}", request_id=name.encode(), payload=payload)
    return replace(Request(key, name, f"fluid/result/{name}", message), **changes)


def arrival(
    name: str = "1",
    *,
    ack_id: int = 1,
    route: Route = Route.EVERYONE,
    fault: RequestFault | None = None,
    unique: bool = False,
    **changes: Any,
) -> RequestArrived:
    made = request(name, fault=fault, unique=unique, **changes)
    return RequestArrived(made, route, ack_id)


def logits_of(stage: str, *, images: int = 1) -> Logits:
    """float32 (images, 3), different for each stage; no sum of two is exact."""
    seed = STAGES.index(stage) + 1
    return np.random.default_rng(seed).normal(size=(images, 3)).astype(np.float32)


def computed(
    name: str,
    *stages: str,
    images: int = 1,
    is_batch: bool = False,
    compute_ms: float = 2.0,
    digest: str = DIGEST,
) -> Computed:
    outputs = {stage: logits_of(stage, images=images) for stage in stages}
    return Computed(request(name).key, outputs, compute_ms, is_batch, digest)


def partial(
    name: str, sender: str, stage: str, *, digest: str = DIGEST, images: int = 1
) -> Partial:
    logits = logits_of(stage, images=images)
    return Partial(request(name).key, sender, digest, STAGES.index(stage), logits, 3.0)


def feature(name: str, sender: str, stage: int = 0, *, in_turn: bool = False) -> Feature:
    """Of one image, the number of its stage in each of two places."""
    values = np.full((1, 2), stage, np.int8)
    return Feature(request(name).key, sender, DIGEST, stage, values, in_turn)


def team(me: str, holders: Mapping[str, Iterable[str]], *, members: Iterable[str] = ()) -> Team:
    """A team of all holders, ourselves, and further members."""
    by_slot = {slot: tuple(sorted(agents)) for slot, agents in holders.items()}
    everybody = {me, *members, *(agent for agents in by_slot.values() for agent in agents)}
    return Team(me, MANIFEST, tuple(sorted(everybody)), by_slot)


def all_of(effects: Iterable[Effect], kind: type[_Kind]) -> list[_Kind]:
    """The effects of one kind, in their order."""
    return [effect for effect in effects if isinstance(effect, kind)]


def one_of(effects: Iterable[Effect], kind: type[_Kind]) -> _Kind:
    """The only effect of a kind."""
    found = all_of(effects, kind)
    assert len(found) == 1, found
    return found[0]


def as_result(reply: object) -> Result:
    assert isinstance(reply, Result), reply
    return reply


def incoming(
    topic: str = "fluid/infer/7", payload: bytes = b"image", **properties: object
) -> Message:
    return replace(Message(topic, payload, qos=1), **properties)  # type: ignore[arg-type]
    # (a Message's fields by name: the constructor checks them at run time)
