"""What can happen to an agent. The shell around the core makes these; `Node` reads them."""

from dataclasses import dataclass, field
from enum import Enum, StrEnum

import numpy as np
from numpy.typing import NDArray

from fluid.bundle import Manifest
from fluid.bus import CloseReason, Message
from fluid.errors import ErrorCode
from fluid.messages import (
    ClusterState,
    Done,
    Feature,
    Heartbeat,
    Mode,
    Partial,
    Presence,
    Unheard,
)
from fluid.submodel import Logits

# int8 (images, values an image).
FeatureMap = NDArray[np.int8]


class LinkName(StrEnum):
    """An agent's own two connections.

    Requests are acknowledged late, so they may fill the window of unacknowledged messages; the
    cluster's own talk must not wait behind them. Hence two.
    """

    CONTROL = "control"
    INFER = "infer"


class Route(Enum):
    """How a request reached us: with a copy for every device, or for this device alone."""

    EVERYONE = 1  # HA: the plain subscription
    SHARED = 2  # HT: the shared subscription


@dataclass(frozen=True, slots=True)
class RequestFault:
    """Why a request is answered with an error."""

    code: ErrorCode
    message: str


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it travels inside an agent.

    key: see `fluid.messages.request_key`. unique: its sender promises not to use its id for
    another request, so a second copy is the same request and not one more. minimum: the name of
    the least sub-network that counts as an answer. deadline_s: when it is answered together, the
    answer goes out this long after its arrival, with what is there. handovers: how many devices it
    may have brought down, as an adopter says. fault: what is wrong with its envelope; the payload
    is looked at by the executor.
    """

    key: bytes
    id: str
    reply_to: str
    message: Message
    wants_probabilities: bool = False
    wants_logits: bool = False
    unique: bool = False
    minimum: str | None = None
    deadline_s: float | None = None
    handovers: int = 0
    fault: RequestFault | None = None

    @property
    def has_id(self) -> bool:
        """Whether its sender gave it one. Without, equal images are equal requests."""
        return self.id != self.key.hex()


@dataclass(frozen=True, slots=True)
class Started:
    """The process is up. incarnation: a number above 0 that usually grows between starts."""

    incarnation: int


@dataclass(frozen=True, slots=True)
class LinkOpened:
    link: LinkName


@dataclass(frozen=True, slots=True)
class LinkClosed:
    link: LinkName
    reason: CloseReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class BrokerProbed:
    """Whether a broker that was probed took us in; detail: why not."""

    broker: int
    answered: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Served:
    """The broker confirmed the subscription of a route."""

    route: Route


@dataclass(frozen=True, slots=True)
class ServeRefused:
    """The broker refused the subscription of a route."""

    route: Route


@dataclass(frozen=True, slots=True)
class PresenceSeen:
    presence: Presence


@dataclass(frozen=True, slots=True)
class PresenceCleared:
    """Somebody removed an agent's retained presence."""

    agent: str


@dataclass(frozen=True, slots=True)
class HeartbeatSeen:
    heartbeat: Heartbeat


@dataclass(frozen=True, slots=True)
class TermSeen:
    """Somebody claimed this term, or is about to."""

    term: int


@dataclass(frozen=True, slots=True)
class ClusterSeen:
    """retained: it was said before we subscribed, so it proves nothing about now."""

    state: ClusterState
    retained: bool


@dataclass(frozen=True, slots=True)
class ModeWished:
    mode: Mode


@dataclass(frozen=True, slots=True)
class RequestArrived:
    """redelivered: the broker has sent it before, on this connection's session."""

    request: Request
    route: Route
    ack_id: int
    redelivered: bool = False


@dataclass(frozen=True, slots=True)
class StrayArrived:
    """Something that is no request lay in our own session, such as an adopter's marker."""

    ack_id: int


@dataclass(frozen=True, slots=True)
class Computed:
    """The executor's answer to `Compute`: float32 logits (images, classes) by stage name.

    is_batch: whether a list is due; None if the payload was not looked at. digest: of the bundle
    that it was run with. maps: by stage name too, what those yielded that yield no logits.
    """

    key: bytes
    outputs: dict[str, Logits]
    compute_ms: float
    is_batch: bool | None
    digest: str
    maps: dict[str, FeatureMap] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ComputeFailed:
    """digest: of the bundle that it was tried with; another may take the payload."""

    key: bytes
    fault: RequestFault
    digest: str


@dataclass(frozen=True, slots=True)
class PartialSeen:
    partial: Partial


@dataclass(frozen=True, slots=True)
class FeatureSeen:
    feature: Feature


@dataclass(frozen=True, slots=True)
class DoneSeen:
    notice: Done


@dataclass(frozen=True, slots=True)
class UnheardSeen:
    notice: Unheard


@dataclass(frozen=True, slots=True)
class ReplyConfirmed:
    """The broker has (or refused) the reply that carried this token."""

    token: int
    accepted: bool


@dataclass(frozen=True, slots=True)
class AttemptSeen:
    """An agent's attempt note: keys of the requests that it names, none if it was cleared."""

    agent: str
    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class CondemnedSeen:
    """Keys of the requests that an agent found to bring devices down."""

    agent: str
    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class AttemptConfirmed:
    """The broker has (or refused) the attempt note that carried this token."""

    token: int
    accepted: bool


@dataclass(frozen=True, slots=True)
class ForgetConfirmed:
    """The broker has (or refused) the clearing of a presence that carried this token."""

    token: int
    accepted: bool


@dataclass(frozen=True, slots=True)
class AdoptionOpened:
    agent: str
    session_present: bool


@dataclass(frozen=True, slots=True)
class AdoptionClosed:
    agent: str
    reason: CloseReason


@dataclass(frozen=True, slots=True)
class AdoptionRequest:
    """A request that a dead agent had not answered. was_sent: the dead agent had seen it."""

    agent: str
    request: Request
    route: Route | None
    ack_id: int
    was_sent: bool


@dataclass(frozen=True, slots=True)
class AdoptionMarker:
    """A marker came through an adopted session: if it is ours, all that was queued came before."""

    agent: str
    marker: str
    ack_id: int


@dataclass(frozen=True, slots=True)
class AdoptionConfirmed:
    """The broker has (or refused) what was published under this token.

    heard: it had somebody to pass it to.
    """

    agent: str
    token: int
    accepted: bool
    heard: bool = True


@dataclass(frozen=True, slots=True)
class BundleLoaded:
    """Another bundle is verified and loaded, ready to be run from now on."""

    manifest: Manifest
    digest: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing happened but time."""


@dataclass(frozen=True, slots=True)
class Worked:
    """For how long the thread that owns the state has been at work since its start, in ms."""

    total_ms: float


@dataclass(frozen=True, slots=True)
class LeaveRequested:
    """Somebody wants this agent to end in good order."""


Event = (
    Started
    | LinkOpened
    | LinkClosed
    | BrokerProbed
    | Served
    | ServeRefused
    | PresenceSeen
    | PresenceCleared
    | HeartbeatSeen
    | TermSeen
    | ClusterSeen
    | ModeWished
    | RequestArrived
    | StrayArrived
    | Computed
    | ComputeFailed
    | PartialSeen
    | FeatureSeen
    | DoneSeen
    | UnheardSeen
    | ReplyConfirmed
    | AttemptSeen
    | CondemnedSeen
    | AttemptConfirmed
    | ForgetConfirmed
    | AdoptionOpened
    | AdoptionClosed
    | AdoptionRequest
    | AdoptionMarker
    | AdoptionConfirmed
    | BundleLoaded
    | Tick
    | Worked
    | LeaveRequested
)
