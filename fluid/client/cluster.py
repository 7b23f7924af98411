"""Asking a cluster about itself, telling it which mode to work in and which device to forget.

Each function is one short conversation on a connection of its own; none keeps anything.
"""

import math
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from fluid.bus.protocol import (
    REASON_NO_MATCHING_SUBSCRIBERS,
    Bus,
    Closed,
    Confirmed,
    Delivered,
    Link,
    LinkEvent,
    LinkOptions,
    Message,
    Subscription,
)
from fluid.client.connecting import broker_error, new_client_id, own_topic
from fluid.errors import BrokerError, BrokerRefused, BrokerUnreachable
from fluid.messages.control import (
    AgentState,
    ClusterState,
    Heartbeat,
    Malformed,
    Mode,
    Presence,
    decode_cluster,
    decode_heartbeat,
    decode_presence,
)
from fluid.topics import Topics, is_agent_id

_SUBSCRIBED, _SAID = 1, 2  # tokens
_RETAINED = Malformed("a heartbeat is not retained")
_IMPOSTOR = Malformed("the payload speaks for another agent than the topic")
_Rest = ParamSpec("_Rest")
_Said = TypeVar("_Said", Presence, Heartbeat)


@dataclass(frozen=True, slots=True)
class ClusterSnapshot:
    """What a cluster said of itself at one moment.

    presences: the newest of each agent, by agent id, offline ones too. state: the leader's last
    word, None if there never was one. heartbeats: the last heard of each online agent, by id; an
    online agent without one was silent. unreadable: messages that could not be read.
    heard_at_s: when the last heartbeat of each agent came, on our own monotonic clock.
    """

    presences: tuple[Presence, ...] = ()
    state: ClusterState | None = None
    heartbeats: dict[str, Heartbeat] = field(default_factory=dict)
    unreadable: int = 0
    heard_at_s: dict[str, float] = field(default_factory=dict)

    def silent_s(self, agent: str, now_s: float) -> float | None:
        """How long nothing was heard of an agent; None if nothing ever was."""
        heard_at_s = self.heard_at_s.get(agent)
        return None if heard_at_s is None else max(0.0, now_s - heard_at_s)

    @property
    def online(self) -> tuple[Presence, ...]:
        """The agents that are online, as far as the broker knows."""
        return tuple(each for each in self.presences if each.state is AgentState.ONLINE)

    @property
    def has_leader(self) -> bool:
        """Whether the agent that wrote `state` is online."""
        return self.state is not None and any(
            each.agent == self.state.leader for each in self.online
        )


class SnapshotCollector:
    """Puts a snapshot together from messages, in any order. Pure: `cluster_snapshot` feeds it."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._presences: dict[str, Presence] = {}
        self._heartbeats: dict[str, Heartbeat] = {}
        self._state: ClusterState | None = None
        self._unreadable = 0
        self._heard_at_s: dict[str, float] = {}

    @property
    def snapshot(self) -> ClusterSnapshot:
        presences = tuple(self._presences[agent] for agent in sorted(self._presences))
        online = {each.agent for each in presences if each.state is AgentState.ONLINE}
        heartbeats = {agent: beat for agent, beat in self._heartbeats.items() if agent in online}
        heard_at_s = {
            each.agent: self._heard_at_s[each.agent]
            for each in presences
            if each.agent in self._heard_at_s
        }
        return ClusterSnapshot(presences, self._state, heartbeats, self._unreadable, heard_at_s)

    @property
    def all_heard(self) -> bool:
        """Whether each online agent has sent a heartbeat."""
        snapshot = self.snapshot
        return len(snapshot.heartbeats) == len(snapshot.online)

    def add(self, message: Message, *, at_s: float | None = None) -> None:
        """Take in one message of the cluster's; an empty presence is that of an agent being
        forgotten. at_s: when it came, on a monotonic clock."""
        if not message.payload:
            self._forget(message.topic.removeprefix(self._topics.presence("")))
        elif message.topic == self._topics.cluster:
            self._add(decode_cluster(message.payload))
        elif message.topic.startswith(presence := self._topics.presence("")):
            said = decode_presence(message.payload)
            self._add(_of_sender(said, message.topic.removeprefix(presence)))
        elif message.topic.startswith(heartbeat := self._topics.heartbeat("")):
            # What is retained is nobody's news.
            heard = _RETAINED if message.retain else decode_heartbeat(message.payload)
            beat = _of_sender(heard, message.topic.removeprefix(heartbeat))
            self._add(beat)
            if isinstance(beat, Heartbeat) and at_s is not None:
                self._heard_at_s[beat.agent] = at_s

    def _forget(self, agent: str) -> None:
        self._presences.pop(agent, None)
        self._heartbeats.pop(agent, None)
        self._heard_at_s.pop(agent, None)

    def _add(self, value: Presence | Heartbeat | ClusterState | Malformed) -> None:
        match value:
            case Presence():
                # A late will carries a lower incarnation than the agent that has come back.
                known = self._presences.get(value.agent)
                if known is None or value.incarnation >= known.incarnation:
                    self._presences[value.agent] = value
            case Heartbeat():
                self._heartbeats[value.agent] = value
            case ClusterState():
                known_state = self._state
                if known_state is None or _rank(value) >= _rank(known_state):
                    self._state = value
            case Malformed():
                self._unreadable += 1


def _of_sender(said: _Said | Malformed, agent: str) -> _Said | Malformed:
    """What was said on an agent's topic, if it is of that agent: rights are given by topic."""
    if isinstance(said, Malformed) or (is_agent_id(agent) and said.agent == agent):
        return said
    return _IMPOSTOR


def _at_each_broker(
    converse: Callable[Concatenate[Bus, _Rest], ClusterSnapshot],
) -> Callable[Concatenate[Bus | Sequence[Bus], _Rest], ClusterSnapshot]:
    """Let a conversation have several brokers, in order of preference.

    The first at which somebody leads has the cluster; else the first that can be used speaks.
    """

    @wraps(converse)
    def at_each(
        bus: Bus | Sequence[Bus], /, *rest: _Rest.args, **named: _Rest.kwargs
    ) -> ClusterSnapshot:
        snapshots: list[ClusterSnapshot] = []
        errors: list[BrokerError] = []
        for each in bus if isinstance(bus, Sequence) else (bus,):
            try:
                snapshots.append(converse(each, *rest, **named))
            except BrokerError as error:
                errors.append(error)
            else:
                if snapshots[-1].has_leader:
                    return snapshots[-1]
        if snapshots:
            return snapshots[0]
        raise type(errors[0])("; ".join(map(str, errors))) from errors[-1]

    return at_each


@_at_each_broker
def cluster_snapshot(
    bus: Bus,
    topics: Topics,
    *,
    timeout_s: float = 5.0,
    quiet_s: float = 0.2,
    heartbeats_s: float = 1.5,
) -> ClusterSnapshot:
    """The members, the cluster's state, and each member's load.

    Brokers do not say where the retained messages end. A marker that we send ourselves comes
    back after them where a broker keeps order; others deliver retained messages from elsewhere,
    so `quiet_s` without a message must pass too. Then heartbeats of online agents are waited
    for, up to `heartbeats_s` after the subscription: three of their intervals.

    Of several buses, the first at which somebody leads counts. Raises `BrokerError` if no broker
    can be used, or answers within `timeout_s`, which each of them has.
    """
    collector = SnapshotCollector(topics)
    with _connect(bus, timeout_s) as line:
        marker = own_topic(topics, bus, line.client_id)
        line.subscribe(topics.presence_all, topics.cluster, topics.heartbeat_all, marker)
        quiet_from_s = heard_by_s = math.inf
        while (now := time.monotonic()) < line.deadline_s:
            if now >= quiet_from_s and (collector.all_heard or now >= heard_by_s):
                return collector.snapshot
            # Each of the two moments is worth waking for only while it lies ahead.
            ahead = [moment for moment in (quiet_from_s, heard_by_s) if moment > now]
            event = line.next_event(min([line.deadline_s, *ahead]))
            if isinstance(event, Confirmed):
                heard_by_s = time.monotonic() + heartbeats_s
                line.link.publish(Message(marker, b"marker", qos=1))
            elif isinstance(event, Delivered):
                collector.add(event.message, at_s=time.monotonic())
                marks_end = event.message.topic == marker
                if marks_end or (event.message.retain and quiet_from_s < math.inf):
                    quiet_from_s = time.monotonic() + quiet_s
    if heard_by_s == math.inf:
        raise BrokerUnreachable(f"the broker did not answer within {timeout_s:g} s")
    return collector.snapshot


@_at_each_broker
def set_mode(bus: Bus, topics: Topics, mode: Mode, *, timeout_s: float = 5.0) -> ClusterSnapshot:
    """Tell the cluster to work in `mode` (`auto`: as it sees fit), and wait until it does.

    Returns the cluster as it last showed itself: at once when an online leader has taken up the
    word and is in that mode, else after `timeout_s`. Compare `state.operator_mode` (the word
    taken up) and `state.mode` (what it became); without `has_leader` nobody was there to hear.

    It is said again to each new leader that claims without it: the only agent that heard it may
    be gone. Not once it was taken up: what comes after is another operator's word.

    Of several buses, the first at which somebody leads counts. Raises `BrokerError` if no broker
    can be used, or lets us say it.
    """
    collector = SnapshotCollector(topics)
    with _connect(bus, timeout_s) as line:
        line.subscribe(topics.presence_all, topics.cluster)
        was_said = False
        word = Message(topics.mode_set, mode.encode(), qos=1)
        uptake = _Uptake(topics, mode)
        while time.monotonic() < line.deadline_s:
            if was_said and _works_in(collector.snapshot, mode):
                return collector.snapshot
            event = line.next_event(line.deadline_s)
            if isinstance(event, Delivered):
                collector.add(event.message)
                if was_said and uptake.was_missed(event.message):
                    line.link.publish(word, token=_SAID)
            elif isinstance(event, Confirmed) and event.token == _SUBSCRIBED:
                line.link.publish(word, token=_SAID)
            elif isinstance(event, Confirmed):
                if not event.accepted:
                    raise BrokerRefused(
                        f"the broker does not let us publish to {topics.mode_set}: connect as an "
                        "operator"
                    )
                if event.reason == REASON_NO_MATCHING_SUBSCRIBERS and not was_said:
                    return ClusterSnapshot()  # what is retained was left by agents long gone
                was_said = True
    if not was_said:
        raise BrokerUnreachable(f"the broker did not answer within {timeout_s:g} s")
    return collector.snapshot


def forget_agent(bus: Bus, topics: Topics, agent: str, *, timeout_s: float = 5.0) -> None:
    """Clear what a broker keeps of an agent, and wait until the broker has confirmed all of it.

    Looks at nothing: an agent that runs says its presence again. Raises `BrokerError` if the
    broker cannot be used, does not let us, or does not confirm it within `timeout_s`.
    """
    if not is_agent_id(agent):
        raise ValueError(f"{agent!r} is no agent id")
    kept = (topics.presence, topics.term, topics.attempt, topics.condemned)
    waiting = {token: topic(agent) for token, topic in enumerate(kept, start=_SAID)}
    refused: list[str] = []
    with _connect(bus, timeout_s) as line:
        for token, topic in waiting.items():
            line.link.publish(Message(topic, b"", qos=1, retain=True), token=token)
        while waiting:
            event = line.next_event(line.deadline_s)
            if event is None:
                raise BrokerUnreachable(
                    f"the broker did not confirm within {timeout_s:g} s that {agent} is forgotten"
                )
            if isinstance(event, Confirmed):
                topic = waiting.pop(event.token)
                refused += [] if event.accepted else [topic]
    if refused:
        raise BrokerRefused(
            f"the broker does not let us clear {', '.join(refused)}: connect as an operator, to "
            "whom its access control list allows that (broker/clients.acl) [forget_refused]"
        )


def _works_in(snapshot: ClusterSnapshot, mode: Mode) -> bool:
    state = snapshot.state
    if state is None or not snapshot.has_leader or state.operator_mode is not mode:
        return False
    return mode is Mode.AUTO or state.mode is mode


class _Uptake:
    """Whether leaders take up the word that was said, by what they decide after that."""

    def __init__(self, topics: Topics, mode: Mode) -> None:
        self._topic = topics.cluster
        self._mode = mode
        self._was_taken_up = False

    def was_missed(self, message: Message) -> bool:
        """Whether this is a claim without the word, of which no leader has shown that it heard."""
        if message.topic != self._topic or message.retain:
            return False  # what is retained was decided before we listened
        state = decode_cluster(message.payload)
        if isinstance(state, Malformed):
            return False
        self._was_taken_up |= state.operator_mode is self._mode
        return state.epoch == 0 and not self._was_taken_up


def _rank(state: ClusterState) -> tuple[int, int]:
    return state.term, state.epoch


class _Line:
    """A link, its events in order, and the time by which the conversation must end."""

    def __init__(self, bus: Bus, timeout_s: float) -> None:
        self.client_id = new_client_id()
        self.deadline_s = time.monotonic() + timeout_s
        self._events: queue.SimpleQueue[LinkEvent] = queue.SimpleQueue()
        self.link: Link = bus.open(LinkOptions(self.client_id), self._events.put)

    def subscribe(self, *topic_filters: str) -> None:
        """Subscribe; `Confirmed` with the token _SUBSCRIBED follows, if the broker lets us."""
        subscriptions = [Subscription(each, qos=1) for each in topic_filters]
        self.link.subscribe(subscriptions, token=_SUBSCRIBED)

    def next_event(self, until_s: float) -> LinkEvent | None:
        """The next event, or None if none comes until then; raises `BrokerError` when the link
        ends, and when the subscription was refused."""
        try:
            event = self._events.get(timeout=max(0.0, until_s - time.monotonic()))
        except queue.Empty:
            return None
        if isinstance(event, Closed):
            raise broker_error(event, broker="the broker")
        if isinstance(event, Confirmed) and event.token == _SUBSCRIBED and not event.accepted:
            raise BrokerRefused("the broker does not let us read the cluster's topics")
        return event


@contextmanager
def _connect(bus: Bus, timeout_s: float) -> Iterator[_Line]:
    line = _Line(bus, timeout_s)
    try:
        if line.next_event(line.deadline_s) is None:
            raise BrokerUnreachable(f"the broker did not answer within {timeout_s:g} s")
        yield line
    finally:
        line.link.close()
