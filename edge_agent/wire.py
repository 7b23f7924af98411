"""From the core's terms into the bus's: links and their subscriptions, effects into messages.

Pure: it knows topics, encodings, client ids and subscription options, and touches no link. The
other direction is `edge_agent.reader`.
"""

from dataclasses import dataclass, replace
from urllib.parse import quote

from edge_agent.core import effects as do
from edge_agent.core.events import Route
from edge_agent.reader import Reader
from edge_agent.session_secret import seal, sealed
from edge_agent.wishes import HANDOVERS_PROPERTY
from fluid.bus import LinkOptions, Message, Subscription
from fluid.codec import DecodeLimits
from fluid.messages import (
    Heartbeat,
    Presence,
    encode_features,
    encode_partials,
    encode_replies,
)
from fluid.messages.control import DEFAULT_IN_FLIGHT
from fluid.topics import Topics

DEFAULT_RECEIVE_MAXIMUM = DEFAULT_IN_FLIGHT


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
    """The translation for one agent. reader: of what it is sent.

    secret: shared by all agents; it goes into their client ids and the name of their share (see
    `edge_agent.session_secret`).
    """

    def __init__(
        self, topics: Topics, agent: str, session: SessionOptions, *, secret: bytes = b""
    ) -> None:
        self.topics = topics
        self.agent = agent
        self._session = session
        self._secret = secret
        # No client id begins like this filter, so that no seal of one is the other's.
        self._shared = topics.infer_shared(seal(topics.infer_shared(), secret))
        self.reader = Reader(topics, agent, most_payload_bytes=session.most_payload_bytes)

    # Links and their subscriptions.

    def control_options(self, effect: do.OpenControl) -> LinkOptions:
        return LinkOptions(
            client_id=f"{self._client_id(self.agent)}:control:{effect.boot:x}",
            will=self.presence(effect.will),
        )

    def probe_options(self, effect: do.ProbeBroker) -> LinkOptions:
        """A connection that leaves nothing behind and throws nobody out."""
        return LinkOptions(f"{self._client_id(self.agent)}:probe:{effect.boot:x}")

    def home_assistant_options(self, effect: do.OpenControl) -> LinkOptions:
        """A connection beside the control link, for what Home Assistant is told."""
        return LinkOptions(f"{self._client_id(self.agent)}:home-assistant:{effect.boot:x}")

    def doctor_options(self, tag: str) -> LinkOptions:
        """Of a connection beside an agent's own, to look at the broker with the agent's rights."""
        return LinkOptions(f"{self._client_id(self.agent)}:doctor:{tag}")

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
            Subscription(topics.feature(self.agent)),
            # What we answered we let go of ourselves: our own notice must not come round, or it
            # would be taken for the answer to the next equal request.
            Subscription(topics.done, no_local=True),
            Subscription(topics.heartbeat_all),
        ]

    def route_filter(self, route: Route) -> str:
        return self.topics.infer_all if route is Route.EVERYONE else self._shared

    def public_filter(self, route: Route) -> str:
        """A route's filter for logs, which are read by others than agents."""
        is_for_all = route is Route.EVERYONE
        return self.topics.infer_all if is_for_all else self.topics.infer_shared()

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

    def features(self, effect: do.SendFeatures) -> Message:
        return Message(self.topics.feature(effect.to), encode_features(effect.features), qos=1)

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

    def _client_id(self, agent: str) -> str:
        # Agent ids and encoded bases have no colon: no two clusters or agents share a client id.
        return sealed(f"{quote(self.topics.base, safe='')}:{agent}", self._secret)
