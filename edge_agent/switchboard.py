"""All links of one agent: carries out the core's effects on the bus and brings back its events.

Owns which connection is the current one of its kind. It decides nothing: the simulation runs
this very class over an in-memory broker.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.core.effects import Effect
from edge_agent.core.events import Event, LinkName, Route
from edge_agent.log_event import LogEvent
from edge_agent.refusals import Refusals
from edge_agent.wire import Wire
from fluid.bus import (
    Bus,
    Closed,
    Confirmed,
    Delivered,
    Link,
    LinkEvent,
    LinkOptions,
    Message,
    Opened,
)
from fluid.bus.protocol import REASON_NO_MATCHING_SUBSCRIBERS
from fluid.bus.rota import LET_IN_S
from fluid.messages import Malformed

_log = logging.getLogger(__name__)
# Tokens of what is published are positive: negative ones are of subscriptions, and on the control
# link those below this one of what is cleared, so that they are not taken for notes.
_CONTROL_TOKEN = -1


@dataclass(frozen=True, slots=True)
class Source:
    """Where a link event came from. adopts: the dead agent whose session the link resumes.

    generation tells a connection from the one before it with the same purpose. probes: the broker
    that the link only looks at.
    """

    name: LinkName | None
    adopts: str = ""
    generation: int = 0
    probes: int | None = None


@dataclass(frozen=True, slots=True)
class FromLink:
    """A raw link event on its way to the thread that owns the state."""

    source: Source
    event: LinkEvent


@dataclass(slots=True)
class _Line:
    """A link of ours. Before it is open it may only be closed."""

    source: Source
    link: Link
    is_open: bool = False


class Switchboard:
    """The control link, the inference link and the links to adopted sessions.

    `post` is called from threads of the bus with each `FromLink`; it must only enqueue. All
    methods belong to the thread that owns the state.
    """

    def __init__(
        self,
        bus: Bus,
        wire: Wire,
        post: Callable[[FromLink], None],
        *,
        fallbacks: Sequence[Bus] = (),
    ) -> None:
        """bus: to the preferred broker; fallbacks: to the others, in the order of preference."""
        self._buses = (bus, *fallbacks)
        self._broker = 0  # where the control link was opened last, and where all others belong
        self._wire = wire
        self._post = post
        self._links: dict[tuple[LinkName | None, str], _Line] = {}
        self._broker_probes: dict[int, _Line] = {}
        self._generation = 0
        self._probe: Message | None = None
        self._refusals = Refusals()
        self.malformed: Counter[str] = Counter()  # by the kind of topic

    @property
    def has_links(self) -> bool:
        """Whether a link is open, opening, or not quite closed."""
        return bool(self._links)

    def events(self, item: FromLink) -> list[Event]:
        """What a raw link event means; nothing if its link is not the current one any more."""
        if item.source.probes is not None:
            return self._probe_events(item.source.probes, item)
        current = self._links.get((item.source.name, item.source.adopts))
        if current is None or current.source != item.source:
            return []
        if isinstance(item.event, Opened):
            current.is_open = True
        if isinstance(item.event, Closed):
            del self._links[item.source.name, item.source.adopts]
        if item.source.name is LinkName.CONTROL:
            return self._control_events(item.event)
        if item.source.name is LinkName.INFER:
            return self._infer_events(item.event)
        return self._adoption_events(item.source.adopts, item.event)

    def perform(self, effect: Effect) -> bool:
        """Carry out an effect; False if it is not of the bus. On a link that is gone it is
        nothing: the core learns of the loss by `LinkClosed` and starts afresh."""
        match effect:
            case do.OpenControl():
                self._broker = effect.broker
                self._probe = self._wire.probe(effect)
                self._open(LinkName.CONTROL, "", self._wire.control_options(effect))
            case do.OpenInfer():
                self._open(LinkName.INFER, "", self._wire.infer_options(self._wire.agent))
            case do.CloseLink(link):
                self._close(link, "", end_session=False)
            case do.DropLink(link):
                self._close(link, "", end_session=False)
                self._links.pop((link, ""), None)
            case do.ProbeBroker():
                self._open_probe(effect)
            case _:
                return self._speak(effect) or self._serve(effect) or self._adopt(effect)
        return True

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is performed within leaves each link at once, at the end."""
        with ExitStack() as stack:
            for line in self._links.values():
                if line.is_open:
                    stack.enter_context(line.link.together())
            yield

    def close(self, *, send_will: bool = False) -> None:
        """Close every link, for an end without ceremony."""
        for name, adopts in list(self._links):
            self._close(name, adopts, end_session=False, send_will=send_will)
        for line in self._broker_probes.values():
            line.link.close()
        self._broker_probes.clear()

    def _speak(  # noqa: C901, PLR0912 - a dispatch table in match form
        self, effect: Effect
    ) -> bool:
        """What is said on the control link."""
        wire = self._wire
        more: tuple[Message, ...] = ()
        token: int | None = None
        match effect:
            case do.WriteAttempt():
                message, token = wire.attempt(effect), effect.token or None
            case do.PublishCondemned():
                message = wire.condemned(effect)
            case do.PublishPresence(presence):
                message = wire.presence(presence)
            case do.ClearPresence(agent):
                token = _CONTROL_TOKEN - effect.token
                message, more = wire.cleared_presence(agent), wire.cleared_records(agent)
            case do.PublishHeartbeat(heartbeat):
                message = wire.heartbeat(heartbeat)
            case do.RecordTerm(term):
                message = wire.term(term)
            case do.PublishCluster():
                message = wire.cluster(effect)
            case do.SendPartials():
                message = wire.partials(effect)
            case do.SendFeatures():
                message = wire.features(effect)
            case do.SendDone() | do.SendUnheard():
                message = wire.notice(effect)
            case _:
                return False
        if link := self._link(LinkName.CONTROL):
            link.publish(message, token=token)
            for each in more:
                link.publish(each)
        return True

    def _serve(self, effect: Effect) -> bool:
        """What is done on the inference link."""
        link = self._link(LinkName.INFER)
        match effect:
            case do.SendReply():
                if link:
                    link.publish(self._wire.reply(effect), token=effect.token)
            case do.Ack(ack_id):
                if link and ack_id:
                    link.ack(ack_id)
            case do.Serve(route):
                if link:
                    link.subscribe([self._wire.route_subscription(route)], token=-route.value)
            case do.StopServing(route):
                if link:
                    link.unsubscribe([self._wire.route_filter(route)])
            case _:
                return False
        return True

    def _adopt(self, effect: Effect) -> bool:  # noqa: C901 - a dispatch table in match form
        """What is done on a dead agent's session."""
        wire = self._wire
        match effect:
            case do.OpenAdoption(agent):
                self._open(None, agent, wire.infer_options(agent))
            case do.CloseAdoption(agent, end_session):
                self._close(None, agent, end_session=end_session)
            case do.DrainAdoption(agent):
                if link := self._link(None, agent):
                    link.unsubscribe([wire.route_filter(route) for route in Route])
                    link.subscribe([wire.marker_subscription(agent)])
                    link.publish(wire.marker(effect))
            case do.RepublishAdopted(agent):
                if link := self._link(None, agent):
                    link.publish(wire.handover(effect), token=effect.token)
            case do.ReplyAdopted(agent):
                if link := self._link(None, agent):
                    link.publish(wire.reply(effect), token=effect.token)
            case do.AckAdopted(agent, ack_id):
                if (link := self._link(None, agent)) and ack_id:
                    link.ack(ack_id)
            case _:
                return False
        return True

    def _link(self, name: LinkName | None, adopts: str = "") -> Link | None:
        line = self._links.get((name, adopts))
        return line.link if line and line.is_open else None

    def _open(self, name: LinkName | None, adopts: str, options: LinkOptions) -> None:
        self._generation += 1
        source = Source(name, adopts, self._generation)
        self._links[name, adopts] = self._line(source, self._broker, options)

    def _line(self, source: Source, broker: int, options: LinkOptions) -> _Line:
        if len(self._buses) > 1:
            options = replace(options, connect_timeout_s=LET_IN_S)
        bus = self._buses[broker]
        return _Line(source, bus.open(options, lambda event: self._post(FromLink(source, event))))

    def _close(
        self, name: LinkName | None, adopts: str, *, end_session: bool, send_will: bool = False
    ) -> None:
        if line := self._links.get((name, adopts)):
            line.link.close(end_session=end_session, send_will=send_will)
        if name is None:
            self._links.pop((name, adopts), None)

    def _open_probe(self, effect: do.ProbeBroker) -> None:
        if former := self._broker_probes.get(effect.broker):
            former.link.close()  # of a former stay at a fallback: nobody waits for it
        self._generation += 1
        source = Source(None, "", self._generation, probes=effect.broker)
        options = self._wire.probe_options(effect)
        self._broker_probes[effect.broker] = self._line(source, effect.broker, options)

    def _probe_events(self, broker: int, item: FromLink) -> list[Event]:
        """The first news of a probe is its answer: then it is closed, and forgotten."""
        line = self._broker_probes.get(broker)
        if line is None or line.source != item.source:
            return []
        del self._broker_probes[broker]
        match item.event:
            case Closed(_, detail):
                return [seen.BrokerProbed(broker, answered=False, detail=detail)]
            case _:
                line.link.close()
                return [seen.BrokerProbed(broker, answered=True)]

    def _control_events(  # noqa: PLR0911 - a dispatch table in match form
        self, event: LinkEvent
    ) -> list[Event]:
        match event:
            case Opened():
                link = self._link(LinkName.CONTROL)
                if link and self._probe:
                    link.subscribe(self._wire.control_subscriptions(), token=_CONTROL_TOKEN)
                    link.publish(self._probe)
                return [seen.LinkOpened(LinkName.CONTROL)]
            case Closed(reason, detail):
                return [seen.LinkClosed(LinkName.CONTROL, reason, detail)]
            case Delivered(message):
                events = self._wire.reader.control_events(message)
                if isinstance(events, Malformed):
                    self._note_malformed(message.topic, events.reason)
                    return []
                return events
            case Confirmed(token) if token > 0:
                return [seen.AttemptConfirmed(token, event.accepted)]
            case Confirmed(token) if token < _CONTROL_TOKEN:
                return [seen.ForgetConfirmed(_CONTROL_TOKEN - token, event.accepted)]
            case Confirmed():
                subscriptions = self._wire.control_subscriptions()
                self._note_refusal([each.topic_filter for each in subscriptions], event)
                return []

    def _note_refusal(self, topic_filters: list[str], answer: Confirmed) -> None:
        if news := self._refusals.heard(topic_filters, answer):
            _log.error(news)

    def _note_malformed(self, topic: str, reason: str) -> None:
        kind = self._wire.topics.kind(topic)
        self.malformed[kind] += 1
        fields = {"topic": topic, "kind": kind, "reason": reason}
        _log.warning(LogEvent("malformed", fields, limited_by=kind))

    def _infer_events(self, event: LinkEvent) -> list[Event]:
        match event:
            case Opened():
                if link := self._link(LinkName.INFER):
                    # An adopter may have left its marker's subscription in our session.
                    link.unsubscribe([self._wire.marker_filter(self._wire.agent)])
                return [seen.LinkOpened(LinkName.INFER)]
            case Closed(reason, detail):
                return [seen.LinkClosed(LinkName.INFER, reason, detail)]
            case Delivered():
                return [self._wire.reader.infer_event(event)]
            case Confirmed(token) if token > 0:
                return [seen.ReplyConfirmed(token, event.accepted)]
            case Confirmed(token):
                route = Route(-token)
                self._note_refusal([self._wire.public_filter(route)], event)
                return [seen.Served(route) if event.accepted else seen.ServeRefused(route)]

    def _adoption_events(self, agent: str, event: LinkEvent) -> list[Event]:
        match event:
            case Opened(session_present):
                return [seen.AdoptionOpened(agent, session_present)]
            case Closed(reason):
                return [seen.AdoptionClosed(agent, reason)]
            case Delivered():
                return [self._wire.reader.adoption_event(agent, event)]
            case Confirmed(token, code):
                heard = code != REASON_NO_MATCHING_SUBSCRIBERS
                return [seen.AdoptionConfirmed(agent, token, event.accepted, heard)]
