"""What the core wants done. The runtime does these in the order given."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge_agent.core.events import FeatureMap, LinkName, Request, Route
from fluid.messages import (
    ClusterState,
    Done,
    Feature,
    Heartbeat,
    Partial,
    Presence,
    Replies,
    Reply,
    Unheard,
)


@dataclass(frozen=True, slots=True)
class OpenControl:
    """Connect the control link with this will, subscribe the cluster's topics, then send
    `probe`: when it comes round, the retained snapshot is complete.

    boot names this process: two under one agent id must not throw each other out. broker: the
    index of the broker to do it at. All other links are opened where this one was opened last.
    """

    boot: int
    will: Presence
    probe: Heartbeat
    broker: int = 0


@dataclass(frozen=True, slots=True)
class OpenInfer:
    """Connect the inference link and resume its session."""


@dataclass(frozen=True, slots=True)
class CloseLink:
    """Disconnect; `LinkClosed` follows."""

    link: LinkName


@dataclass(frozen=True, slots=True)
class DropLink:
    """Disconnect, because its broker is left; nothing more is heard of it, not even its end."""

    link: LinkName


@dataclass(frozen=True, slots=True)
class ProbeBroker:
    """Connect to a broker for a moment, to see whether it is there; `BrokerProbed` follows."""

    broker: int
    boot: int


@dataclass(frozen=True, slots=True)
class Serve:
    """Subscribe a route on the inference link; `Served` or `ServeRefused` follows."""

    route: Route


@dataclass(frozen=True, slots=True)
class StopServing:
    route: Route


@dataclass(frozen=True, slots=True)
class PublishPresence:
    presence: Presence


@dataclass(frozen=True, slots=True)
class ClearPresence:
    """Remove what is retained of an agent that is gone for good; `ForgetConfirmed(token)`
    follows."""

    agent: str
    token: int


@dataclass(frozen=True, slots=True)
class PublishHeartbeat:
    heartbeat: Heartbeat


@dataclass(frozen=True, slots=True)
class RecordTerm:
    """Say, retained, which term we are about to claim: no will and no late leader overwrites it."""

    term: int


@dataclass(frozen=True, slots=True)
class PublishCluster:
    state: ClusterState


@dataclass(frozen=True, slots=True)
class Compute:
    """Run these stages on a request, in this order: on its payload, which is decoded for it, and
    on feature maps.

    maps: those that a stage reads and none before it yields, int8 (images, values an image) by
    name.
    """

    request: Request
    stages: tuple[str, ...]
    maps: Mapping[str, FeatureMap] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class RunBundle:
    """Run every later `Compute` with this bundle, which was loaded; earlier ones keep theirs."""

    digest: str


@dataclass(frozen=True, slots=True)
class SendPartials:
    to: str
    partials: tuple[Partial, ...]


@dataclass(frozen=True, slots=True)
class SendFeatures:
    to: str
    features: tuple[Feature, ...]


@dataclass(frozen=True, slots=True)
class SendDone:
    notice: Done


@dataclass(frozen=True, slots=True)
class SendUnheard:
    notice: Unheard


@dataclass(frozen=True, slots=True)
class WriteAttempt:
    """Write an agent's attempt note, or clear it if it names nothing; `AttemptConfirmed(token)`
    follows. An adopter clears a dead agent's note, with token 0, which nobody waits for."""

    agent: str
    keys: tuple[bytes, ...]
    token: int


@dataclass(frozen=True, slots=True)
class PublishCondemned:
    """Say, retained, which requests we found to bring devices down."""

    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SendReply:
    """Publish an answer; `ReplyConfirmed(token)` follows once the broker has it."""

    request: Request
    replies: Replies
    as_list: bool
    token: int


@dataclass(frozen=True, slots=True)
class Ack:
    """Acknowledge a request to the broker."""

    ack_id: int


@dataclass(frozen=True, slots=True)
class OpenAdoption:
    """Connect with a dead agent's client id and resume its session."""

    agent: str


@dataclass(frozen=True, slots=True)
class DrainAdoption:
    """Unsubscribe the session's routes, subscribe the marker and send it, in this order."""

    agent: str
    marker: str


@dataclass(frozen=True, slots=True)
class RepublishAdopted:
    """Publish a dead agent's request again for the living; `AdoptionConfirmed` follows."""

    agent: str
    request: Request
    handovers: int
    token: int


@dataclass(frozen=True, slots=True)
class ReplyAdopted:
    """Answer a dead agent's request with an error; `AdoptionConfirmed` follows."""

    agent: str
    request: Request
    replies: tuple[Reply, ...]
    token: int


@dataclass(frozen=True, slots=True)
class AckAdopted:
    agent: str
    ack_id: int


@dataclass(frozen=True, slots=True)
class CloseAdoption:
    """Disconnect from an adopted session, and end it if it is empty."""

    agent: str
    end_session: bool


@dataclass(frozen=True, slots=True)
class Note:
    """A line for the log. problem: somebody may have to do something about it."""

    event: str
    fields: dict[str, str | int | float] = field(default_factory=dict)
    problem: bool = False


@dataclass(frozen=True, slots=True)
class Exit:
    """The agent is to end. status 0: as asked for; else `message` says what is wrong."""

    status: int
    message: str = ""


Effect = (
    OpenControl
    | OpenInfer
    | CloseLink
    | DropLink
    | ProbeBroker
    | Serve
    | StopServing
    | PublishPresence
    | ClearPresence
    | PublishHeartbeat
    | RecordTerm
    | PublishCluster
    | Compute
    | RunBundle
    | SendPartials
    | SendFeatures
    | SendDone
    | SendUnheard
    | WriteAttempt
    | PublishCondemned
    | SendReply
    | Ack
    | OpenAdoption
    | DrainAdoption
    | RepublishAdopted
    | ReplyAdopted
    | AckAdopted
    | CloseAdoption
    | Note
    | Exit
)
