"""Presence, heartbeat, cluster state and mode: how the cluster talks about itself.

JSON, because people read these with `mosquitto_sub` and they are rare. Unknown fields are
ignored, so that two versions can share a broker.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from fluid.fields import FieldError, Fields

# Far more than anybody has, and little enough to place at each change.
_MOST_SLOT_NAMES = 256
LEAST_CAPACITY, GREATEST_CAPACITY = 0.001, 1000.0
DEFAULT_IN_FLIGHT = 64


class AgentState(StrEnum):
    ONLINE = "online"
    OFFLINE = "offline"


class Role(StrEnum):
    """`master` and `worker` are priorities in the election, nothing more."""

    MASTER = "master"
    WORKER = "worker"

    @property
    def priority(self) -> int:
        return 100 if self is Role.MASTER else 10


class Mode(StrEnum):
    """`ha`: each image by all slots together. `ht`: each device its own images.

    `auto` is a wish (a vote or an operator's word), never the state of a cluster.
    """

    AUTO = "auto"
    HA = "ha"
    HT = "ht"


@dataclass(frozen=True, slots=True)
class Malformed:
    """Bytes that could not be read, and why, in one line."""

    reason: str


@dataclass(frozen=True, slots=True)
class Presence:
    """`<base>/presence/<agent>`, retained, and the last will with state offline.

    incarnation grows with each connection of the agent; lower ones are stale. bundle is the
    digest of what it serves. serving is the mode whose requests it hears now: HA shares are
    expected of those alone that hear every request. max_slots is how many slots it may hold.
    term and leader: the highest term that it has seen, and whom it follows ("" for nobody): the
    retained cluster state can be overwritten by a leader of the past, presences cannot.

    slots: all that its bundle has, in order; () where an older agent does not say. pins: the only
    ones that it may hold; () for any. capacity: how much it can compute next to the others, from
    LEAST_CAPACITY to GREATEST_CAPACITY. in_flight: how many requests it asks the broker for
    before it has answered one. unheeded: the operator's word that it heard and the leader that it
    follows did not; None while there is no such word.
    """

    agent: str
    state: AgentState
    role: Role
    priority: int
    incarnation: int
    bundle: str
    serving: Mode | None = None
    max_slots: int = 1
    vote: Mode = Mode.AUTO
    interpreter: str = ""
    term: int = 0
    leader: str = ""
    slots: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    capacity: float = 1.0
    in_flight: int = DEFAULT_IN_FLIGHT
    unheeded: Mode | None = None

    def encode(self) -> bytes:
        return _dump(
            {
                "agent": self.agent,
                "state": self.state,
                "role": self.role,
                "priority": self.priority,
                "incarnation": self.incarnation,
                "bundle": self.bundle,
                "serving": self.serving,
                "max_slots": self.max_slots,
                "vote": self.vote,
                "interpreter": self.interpreter,
                "term": self.term,
                "leader": self.leader,
                "slots": list(self.slots),
                "pins": list(self.pins),
                "capacity": self.capacity,
                "in_flight": self.in_flight,
                "unheeded": self.unheeded,
            }
        )


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """`<base>/heartbeat/<agent>`: alive, and how loaded.

    queue: requests held and not answered. busy: the share of the last interval that the
    interpreter was at work, or all the rest of the agent, whichever is more; in [0, 1].
    """

    agent: str
    incarnation: int
    sequence: int
    queue: int = 0
    busy: float = 0.0

    def encode(self) -> bytes:
        return _dump(
            {
                "agent": self.agent,
                "incarnation": self.incarnation,
                "sequence": self.sequence,
                "queue": self.queue,
                "busy": round(self.busy, 3),
            }
        )


@dataclass(frozen=True, slots=True)
class ClusterState:
    """`<base>/cluster`, retained: what the leader decided.

    term grows with each claim to leadership, epoch with each decision inside a term. placement
    names the holders of each slot. operator_mode is the standing word of `<base>/mode/set`; it
    rides here so that it outlives the leader that heard it.
    """

    term: int
    epoch: int
    leader: str
    mode: Mode
    operator_mode: Mode = Mode.AUTO
    members: tuple[str, ...] = ()
    placement: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def encode(self) -> bytes:
        return _dump(
            {
                "term": self.term,
                "epoch": self.epoch,
                "leader": self.leader,
                "mode": self.mode,
                "operator_mode": self.operator_mode,
                "members": list(self.members),
                "placement": {slot: list(agents) for slot, agents in self.placement.items()},
            }
        )

    def slots_of(self, agent: str) -> tuple[str, ...]:
        """The slots that an agent holds, in the placement's order."""
        return tuple(slot for slot, holders in self.placement.items() if agent in holders)


def decode_presence(payload: bytes) -> Presence | Malformed:
    return _decode(payload, _presence)


def decode_heartbeat(payload: bytes) -> Heartbeat | Malformed:
    return _decode(payload, _heartbeat)


def decode_cluster(payload: bytes) -> ClusterState | Malformed:
    return _decode(payload, _cluster)


def decode_mode_request(payload: bytes) -> Mode | Malformed:
    """The payload of `<base>/mode/set`: `auto`, `ha` or `ht` as plain text."""
    word = payload[:16].decode("ascii", errors="replace").strip().lower()
    try:
        return Mode(word)
    except ValueError:
        return Malformed(f"mode must be auto, ha or ht, not {word!r}")


def _presence(fields: Fields) -> Presence:
    serving = fields.optional_text("serving")
    unheeded = fields.optional_text("unheeded")
    return Presence(
        agent=fields.text("agent"),
        state=AgentState(fields.text("state")),
        role=Role(fields.text("role")),
        priority=fields.integer("priority"),
        incarnation=fields.counter("incarnation"),
        bundle=fields.text("bundle"),
        serving=None if serving is None else Mode(serving),
        max_slots=fields.integer("max_slots"),
        vote=Mode(fields.text("vote")),
        interpreter=fields.optional_text("interpreter") or "",
        term=fields.counter("term"),
        leader=fields.text("leader"),
        slots=_slot_names(fields, "slots"),
        pins=_slot_names(fields, "pins"),
        capacity=_capacity(fields),
        in_flight=fields.integer("in_flight") if "in_flight" in fields else DEFAULT_IN_FLIGHT,
        unheeded=None if unheeded is None else Mode(unheeded),
    )


def _slot_names(fields: Fields, name: str) -> tuple[str, ...]:
    names = fields.texts(name) if name in fields else ()
    if len(names) > _MOST_SLOT_NAMES or len(set(names)) < len(names):
        raise FieldError(f"'{name}' must be at most {_MOST_SLOT_NAMES} different names")
    return names


def _capacity(fields: Fields) -> float:
    capacity = fields.number("capacity") if "capacity" in fields else 1.0
    if not LEAST_CAPACITY <= capacity <= GREATEST_CAPACITY:
        raise FieldError(f"'capacity' must be from {LEAST_CAPACITY:g} to {GREATEST_CAPACITY:g}")
    return capacity


def _heartbeat(fields: Fields) -> Heartbeat:
    return Heartbeat(
        agent=fields.text("agent"),
        incarnation=fields.counter("incarnation"),
        sequence=fields.integer("sequence"),
        queue=fields.integer("queue"),
        # A share: what another clock makes of it a little above 1 is 1.
        busy=min(max(fields.number("busy"), 0.0), 1.0),
    )


def _cluster(fields: Fields) -> ClusterState:
    placement = fields.child("placement")
    mode = Mode(fields.text("mode"))
    if mode is Mode.AUTO:
        raise FieldError("'mode' must be ha or ht")
    return ClusterState(
        term=fields.counter("term"),
        epoch=fields.counter("epoch"),
        leader=fields.text("leader"),
        mode=mode,
        operator_mode=Mode(fields.text("operator_mode")),
        members=fields.texts("members"),
        placement={slot: placement.texts(slot) for slot in placement.names()},
    )


_Decoded = TypeVar("_Decoded")


def _decode(payload: bytes, read: Callable[[Fields], _Decoded]) -> _Decoded | Malformed:
    try:
        return read(Fields(json.loads(payload)))
    except RecursionError:
        return Malformed("JSON nested too deeply")
    except ValueError as error:  # covers FieldError, JSON, UTF-8 and unknown enum members
        return Malformed(str(error))


def _dump(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
