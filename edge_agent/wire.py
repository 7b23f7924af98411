"""Between the core's terms and the bus's: messages into events, effects into messages.

Pure: it knows topics, encodings, client ids and subscription options, and touches no link. What
a message cannot be read as becomes `Malformed`, never an exception.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import quote

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.core.events import Event, Request, RequestFault, Route
from edge_agent.wishes import HANDOVERS_PROPERTY, read_wishes
from fluid.bus import Delivered, LinkOptions, Message, Subscription
from fluid.codec import DecodeLimits
from fluid.errors import ErrorCode
from fluid.fields import GREATEST_COUNTER
from fluid.messages import (
    KEY_BYTES,
    Done,
    Heartbeat,
    Malformed,
    Presence,
    Unheard,
    decode_cluster,
    decode_heartbeat,
    decode_mode_request,
    decode_notice,
    decode_partials,
    decode_presence,
    encode_partials,
    encode_replies,
    request_key,
)
from fluid.messages.control import DEFAULT_IN_FLIGHT
from fluid.topics import Topics, is_agent_id

DEFAULT_RECEIVE_MAXIMUM = DEFAULT_IN_FLIGHT
_MOST_DIGITS = 20
_ID_CHARACTERS = 128
_MOST_NAMED = 64
_TOPIC_BYTES = 65_535  # MQTT 5, section 1.5.4
_IMPOSTOR = Malformed("the payload speaks for another agent than the topic")


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What the agent asks of the broker for its inference session.

    receive_maximum bounds the requests that it holds. expiry_s: how long the broker keeps what a
    device that is gone had not answered, where nobody is left to adopt it.
    """

    receive_maximum: int = DEFAULT_RECEIVE_MAXIMUM
    expiry_s: int = 24 * 3600
    most_payload_bytes: int = DecodeLimits().max_bytes


class Wire:
    """The translation for one agent."""

    def __init__(self, topics: Topics, agent: str, session: SessionOptions) -> None:
        self.topics = topics
        self.agent = agent
        self._session = session

    # Links and their subscriptions.

    def control_options(self, effect: do.OpenControl) -> LinkOptions:
        return LinkOptions(
            client_id=f"{self._client_id(self.agent)}:control:{effect.boot:x}",
            will=self.presence(effect.will),
        )

    def probe_options(self, effect: do.ProbeBroker) -> LinkOptions:
        """A connection that leaves nothing behind and throws nobody out."""
        return LinkOptions(f"{self._client_id(self.agent)}:probe:{effect.boot:x}")

    def infer_options(self, agent: str) -> LinkOptions:
        """The session that holds an agent's requests: its own, or a dead one's to adopt."""
        session = self._session
        defaults = LinkOptions(self._client_id(agent))
        return replace(
            defaults,
            clean_start=False,
            session_expiry_s=session.expiry_s,
            receive_maximum=session.receive_maximum,
            manual_ack=True,
            # All that an adopter holds at a time it publishes again, whatever its size.
            backlog_bytes=max(
                defaults.backlog_bytes, session.receive_maximum * session.most_payload_bytes
            ),
        )

    def control_subscriptions(self) -> list[Subscription]:
        topics = self.topics
        return [
            Subscription(topics.presence_all),
            Subscription(topics.term_all),
            Subscription(topics.attempt_all),
            Subscription(topics.condemned_all),
            Subscription(topics.cluster),
            Subscription(topics.mode_set),
            Subscription(topics.partial(self.agent)),
            # What we answered we let go of ourselves: our own notice must not come round, or it
            # would be taken for the answer to the next equal request.
            Subscription(topics.done, no_local=True),
            Subscription(topics.heartbeat_all),
        ]

    def route_filter(self, route: Route) -> str:
        return self.topics.infer_all if route is Route.EVERYONE else self.topics.infer_shared

    def route_subscription(self, route: Route) -> Subscription:
        return Subscription(
            self.route_filter(route),
            identifier=route.value,
            # A retained request would be asked again of each agent that starts. We look for the
            # flag to say so, and do not take those that are kept already.
            retain_as_published=True,
            send_retained=False,
        )

    def marker_filter(self, agent: str) -> str:
        return self.topics.adopt(agent)

    def marker_subscription(self, agent: str) -> Subscription:
        return Subscription(self.marker_filter(agent))

    # Messages out.

    def presence(self, presence: Presence) -> Message:
        topic = self.topics.presence(presence.agent)
        return Message(topic, presence.encode(), qos=1, retain=True)

    def cleared_presence(self, agent: str) -> Message:
        """An empty retained message removes the one before it (MQTT 5, section 3.3.1.3)."""
        return Message(self.topics.presence(agent), b"", qos=1, retain=True)

    def term(self, term: int) -> Message:
        return Message(self.topics.term(self.agent), str(term).encode(), qos=1, retain=True)

    def cleared_records(self, agent: str) -> tuple[Message, ...]:
        """Clear what else is kept of an agent that is forgotten."""
        topics = (self.topics.term(agent), self.topics.condemned(agent))
        return tuple(Message(topic, b"", qos=1, retain=True) for topic in topics)

    def probe(self, effect: do.OpenControl) -> Message:
        """A heartbeat with the QoS of the retained messages, so that it does not overtake them."""
        return replace(self.heartbeat(effect.probe), qos=1)

    def heartbeat(self, heartbeat: Heartbeat) -> Message:
        return Message(self.topics.heartbeat(heartbeat.agent), heartbeat.encode())

    def cluster(self, effect: do.PublishCluster) -> Message:
        return Message(self.topics.cluster, effect.state.encode(), qos=1, retain=True)

    def partials(self, effect: do.SendPartials) -> Message:
        return Message(self.topics.partial(effect.to), encode_partials(effect.partials), qos=1)

    def notice(self, effect: do.SendDone | do.SendUnheard) -> Message:
        return Message(self.topics.done, effect.notice.encode(), qos=1)

    def attempt(self, effect: do.WriteAttempt) -> Message:
        topic = self.topics.attempt(effect.agent)
        return Message(topic, b"".join(effect.keys), qos=1, retain=True)

    def condemned(self, effect: do.PublishCondemned) -> Message:
        topic = self.topics.condemned(self.agent)
        return Message(topic, b"".join(effect.keys), qos=1, retain=True)

    def reply(self, effect: do.SendReply | do.ReplyAdopted) -> Message:
        request = effect.request
        as_list = isinstance(effect, do.SendReply) and effect.as_list
        return Message(
            request.reply_to,
            encode_replies(effect.replies, as_list=as_list),
            qos=1,
            correlation=request.message.correlation,
        )

    def handover(self, effect: do.RepublishAdopted) -> Message:
        message = effect.request.message
        # A property or a response topic without a name means nothing to us, and our own bus would
        # not send it.
        others = tuple(
            (name, value)
            for name, value in message.user_properties
            if name and name != HANDOVERS_PROPERTY
        )
        return replace(
            message,
            qos=1,
            retain=False,
            response_topic=message.response_topic or None,
            user_properties=(*others, (HANDOVERS_PROPERTY, str(effect.handovers))),
        )

    def marker(self, effect: do.DrainAdoption) -> Message:
        return Message(self.topics.adopt(effect.agent), effect.marker.encode(), qos=1)

    # Messages in.

    def control_events(self, message: Message) -> list[Event] | Malformed:
        """What a message on the control link means."""
        topic, payload = message.topic, message.payload
        if message.retain and not self._is_state(topic):
            return Malformed("nothing retained is expected on this topic; clear it")
        if topic == self.topics.partial(self.agent):
            partials = decode_partials(payload)
            if isinstance(partials, Malformed):
                return partials
            return [seen.PartialSeen(partial) for partial in partials]
        event = self._single_event(topic, payload, retained=message.retain)
        return event if isinstance(event, Malformed) else [event]

    def infer_event(self, delivered: Delivered) -> Event:
        """What a message on our own inference session means."""
        if not self.topics.is_request(delivered.message.topic):
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
        request = self.request(message) if self.topics.is_request(message.topic) else None
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
        topic_id = self.topics.request_id(message.topic)
        reply_to = message.response_topic or self.topics.result(topic_id)
        fault = self._fault(message, reply_to)
        if fault is not None and fault.code is ErrorCode.BAD_RESPONSE_TOPIC:
            reply_to = self.topics.result(None)
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
        topics, agent = self.topics, topic.rpartition("/")[2]
        return topic in (
            topics.cluster,
            topics.presence(agent),
            topics.term(agent),
            topics.attempt(agent),
            topics.condemned(agent),
        )

    def _fault(self, message: Message, reply_to: str) -> RequestFault | None:
        """What is wrong with a request's envelope."""
        if not self.topics.may_answer_on(reply_to) or len(reply_to.encode()) > _TOPIC_BYTES:
            return RequestFault(
                ErrorCode.BAD_RESPONSE_TOPIC,
                "the response topic has a wildcard, belongs to the cluster or is too long; "
                f"choose one such as {self.topics.result('my-client')}",
            )
        if message.retain:
            return RequestFault(
                ErrorCode.RETAINED_REQUEST,
                "requests must not be retained; publish without the retain flag, and clear this "
                f"one by publishing an empty retained message to {message.topic}",
            )
        if len(message.payload) > self._session.most_payload_bytes:
            # Also because it may be too large to be passed on with our own properties added.
            return RequestFault(
                ErrorCode.PAYLOAD_TOO_LARGE,
                f"the payload has {len(message.payload)} bytes; "
                f"at most {self._session.most_payload_bytes} are accepted",
            )
        return None

    def _single_event(self, topic: str, payload: bytes, *, retained: bool) -> Event | Malformed:
        if topic == self.topics.done:
            return _notice_event(decode_notice(payload))
        if topic == self.topics.cluster:
            state = decode_cluster(payload)
            return state if isinstance(state, Malformed) else seen.ClusterSeen(state, retained)
        if topic == self.topics.mode_set:
            mode = decode_mode_request(payload)
            return mode if isinstance(mode, Malformed) else seen.ModeWished(mode)
        return self._peer_event(topic, payload)

    def _peer_event(self, topic: str, payload: bytes) -> Event | Malformed:
        """What an agent says of itself; it may speak for nobody else."""
        agent = topic.rpartition("/")[2]
        if not is_agent_id(agent):
            return Malformed("that is no agent id")
        topics = self.topics
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

    def _client_id(self, agent: str) -> str:
        # Agent ids and encoded bases have no colon: no two clusters or agents share a client id.
        return f"{quote(self.topics.base, safe='')}:{agent}"


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
    for route in (Route.EVERYONE, Route.SHARED):
        if route.value in delivered.subscription_ids:
            return route
    return None


def _readable(request_id: bytes) -> str:
    """An id for the reply: as text where it is text, else in hex."""
    text = request_id.decode("utf-8", errors="replace")
    readable = text.isprintable() and "\ufffd" not in text
    return (text if readable else request_id.hex())[:_ID_CHARACTERS]
