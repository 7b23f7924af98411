"""What messages mean: from the bus's terms into the core's events.

Pure: it knows topics and encodings, and touches no link. What a message cannot be read as becomes
`Malformed`, and a request that cannot be served carries its fault; nothing is an exception. The
other direction is `edge_agent.wire`.
"""

from collections.abc import Callable

from edge_agent.core import events as seen
from edge_agent.core.events import Event, Request, RequestFault, Route
from edge_agent.wishes import read_wishes
from fluid.bus import Delivered, Message
from fluid.errors import ErrorCode
from fluid.fields import GREATEST_COUNTER
from fluid.messages import (
    KEY_BYTES,
    Done,
    Malformed,
    Unheard,
    decode_cluster,
    decode_features,
    decode_heartbeat,
    decode_mode_request,
    decode_notice,
    decode_partials,
    decode_presence,
    request_key,
)
from fluid.topics import Topics, is_agent_id

_MOST_DIGITS = 20
_ID_CHARACTERS = 128
_MOST_NAMED = 64
_ROUTES = tuple((route.value, route) for route in (Route.EVERYONE, Route.SHARED))
_IMPOSTOR = Malformed("the payload speaks for another agent than the topic")


class Reader:
    """Reads for one agent. most_payload_bytes: of a request that is served."""

    def __init__(self, topics: Topics, agent: str, *, most_payload_bytes: int) -> None:
        self._topics = topics
        self._agent = agent
        self._most_payload_bytes = most_payload_bytes

    def control_events(self, message: Message) -> list[Event] | Malformed:
        """What a message on the control link means."""
        topic, payload = message.topic, message.payload
        if message.retain and not self._is_state(topic):
            return Malformed("nothing retained is expected on this topic; clear it")
        if topic == self._topics.partial(self._agent):
            partials = decode_partials(payload)
            if isinstance(partials, Malformed):
                return partials
            return [seen.PartialSeen(partial) for partial in partials]
        if topic == self._topics.feature(self._agent):
            features = decode_features(payload)
            if isinstance(features, Malformed):
                return features
            return [seen.FeatureSeen(feature) for feature in features]
        event = self._single_event(topic, payload, retained=message.retain)
        return event if isinstance(event, Malformed) else [event]

    def infer_event(self, delivered: Delivered) -> Event:
        """What a message on our own inference session means."""
        if not self._topics.is_request(delivered.message.topic):
            return seen.StrayArrived(delivered.ack_id)
        request = self.request(delivered.message)
        if request is None:
            return seen.StrayArrived(delivered.ack_id)
        # A broker that forgets which subscription brought a message leaves us the safe guess:
        # to answer alone and wait for nobody.
        route = route_of(delivered) or Route.SHARED
        return seen.RequestArrived(request, route, delivered.ack_id, delivered.duplicate)

    def adoption_event(self, agent: str, delivered: Delivered) -> Event:
        """What a message on a dead agent's session means."""
        message, ack_id = delivered.message, delivered.ack_id
        request = self.request(message) if self._topics.is_request(message.topic) else None
        if request is None:
            marker = message.payload.decode("ascii", errors="replace")
            return seen.AdoptionMarker(agent, marker, ack_id)
        return seen.AdoptionRequest(
            agent, request, route_of(delivered), ack_id, was_sent=delivered.duplicate
        )

    def request(self, message: Message) -> Request | None:
        """Read a request's envelope; None for the clearing of a retained one."""
        if message.retain and not message.payload:
            return None
        topic_id = self._topics.request_id(message.topic)
        reply_to = message.response_topic or self._topics.result(topic_id)
        fault = self._fault(message, reply_to)
        if fault is not None and fault.code is ErrorCode.BAD_RESPONSE_TOPIC:
            reply_to = self._topics.result(None)
        named = message.correlation or (topic_id or "").encode()
        wishes = read_wishes(message)
        key = request_key(
            reply_to=reply_to,
            request_id=named,
            payload=message.payload,
            wishes=wishes.distinguish(),
        )
        return Request(
            key=key,
            id=_readable(named) or key.hex(),
            reply_to=reply_to,
            message=message,
            wants_probabilities=wishes.wants_probabilities,
            wants_logits=wishes.wants_logits,
            unique=wishes.unique,
            minimum=wishes.minimum,
            deadline_s=wishes.deadline_s,
            handovers=wishes.handovers,
            fault=fault or wishes.fault,
        )

    def _is_state(self, topic: str) -> bool:
        """Whether a topic holds a state, which is retained, and not news of the moment."""
        topics, agent = self._topics, topic.rpartition("/")[2]
        return topic in (
            topics.cluster,
            topics.presence(agent),
            topics.term(agent),
            topics.attempt(agent),
            topics.condemned(agent),
        )

    def _fault(self, message: Message, reply_to: str) -> RequestFault | None:
        """What is wrong with a request's envelope."""
        if not self._topics.may_answer_on(reply_to):
            return RequestFault(
                ErrorCode.BAD_RESPONSE_TOPIC,
                "the response topic has a wildcard, belongs to the cluster or is too long; "
                f"choose one such as {self._topics.result('my-client')}",
            )
        if message.retain:
            return RequestFault(
                ErrorCode.RETAINED_REQUEST,
                "requests must not be retained; publish without the retain flag, and clear this "
                f"one by publishing an empty retained message to {message.topic}",
            )
        if len(message.payload) > self._most_payload_bytes:
            # Also because it may be too large to be passed on with our own properties added.
            return RequestFault(
                ErrorCode.PAYLOAD_TOO_LARGE,
                f"the payload has {len(message.payload)} bytes; "
                f"at most {self._most_payload_bytes} are accepted",
            )
        return None

    def _single_event(self, topic: str, payload: bytes, *, retained: bool) -> Event | Malformed:
        if topic == self._topics.done:
            return _notice_event(decode_notice(payload))
        if topic == self._topics.cluster:
            state = decode_cluster(payload)
            return state if isinstance(state, Malformed) else seen.ClusterSeen(state, retained)
        if topic == self._topics.mode_set:
            mode = decode_mode_request(payload)
            return mode if isinstance(mode, Malformed) else seen.ModeWished(mode)
        return self._peer_event(topic, payload)

    def _peer_event(self, topic: str, payload: bytes) -> Event | Malformed:
        """What an agent says of itself; it may speak for nobody else."""
        agent = topic.rpartition("/")[2]
        if not is_agent_id(agent):
            return Malformed("that is no agent id")
        topics = self._topics
        readers: dict[str, Callable[[str, bytes], Event | Malformed]] = {
            topics.presence(agent): _presence_event,
            topics.heartbeat(agent): _heartbeat_event,
            topics.term(agent): _term_event,
            topics.attempt(agent): _attempt_event,
            topics.condemned(agent): _condemned_event,
        }
        if reader := readers.get(topic):
            return reader(agent, payload)
        return Malformed("nothing is expected on this topic")


def _presence_event(agent: str, payload: bytes) -> Event | Malformed:
    if not payload:
        return seen.PresenceCleared(agent)
    presence = decode_presence(payload)
    if isinstance(presence, Malformed):
        return presence
    return seen.PresenceSeen(presence) if presence.agent == agent else _IMPOSTOR


def _term_event(_agent: str, payload: bytes) -> Event | Malformed:
    if not payload:
        return seen.TermSeen(0)  # the record of an agent that was forgotten
    term = int(payload) if payload.isdigit() and len(payload) < _MOST_DIGITS else None
    if term is None or term > GREATEST_COUNTER:
        return Malformed("a term is a number of at most 2^53")
    return seen.TermSeen(term)


def _heartbeat_event(agent: str, payload: bytes) -> Event | Malformed:
    heartbeat = decode_heartbeat(payload)
    if isinstance(heartbeat, Malformed):
        return heartbeat
    return seen.HeartbeatSeen(heartbeat) if heartbeat.agent == agent else _IMPOSTOR


def _attempt_event(agent: str, payload: bytes) -> Event | Malformed:
    keys = _keys(payload)
    return keys if isinstance(keys, Malformed) else seen.AttemptSeen(agent, keys)


def _condemned_event(agent: str, payload: bytes) -> Event | Malformed:
    keys = _keys(payload)
    return keys if isinstance(keys, Malformed) else seen.CondemnedSeen(agent, keys)


def _keys(payload: bytes) -> tuple[bytes, ...] | Malformed:
    """The requests that a note or a list of the condemned names."""
    if len(payload) % KEY_BYTES or len(payload) > _MOST_NAMED * KEY_BYTES:
        return Malformed(f"{len(payload)} bytes are no list of requests")
    starts = range(0, len(payload), KEY_BYTES)
    return tuple(payload[at : at + KEY_BYTES] for at in starts)


def _notice_event(notice: Done | Unheard | Malformed) -> Event | Malformed:
    match notice:
        case Done():
            return seen.DoneSeen(notice)
        case Unheard():
            return seen.UnheardSeen(notice)
        case Malformed():
            return notice


def route_of(delivered: Delivered) -> Route | None:
    """The route whose subscription brought a message; None if the broker does not say.

    Where both did, it went to everyone as well.
    """
    for identifier, route in _ROUTES:
        if identifier in delivered.subscription_ids:
            return route
    return None


def _readable(request_id: bytes) -> str:
    """An id for the reply: as text where it is text, else in hex."""
    text = request_id.decode("utf-8", errors="replace")
    readable = text.isprintable() and "\ufffd" not in text
    return (text if readable else request_id.hex())[:_ID_CHARACTERS]
