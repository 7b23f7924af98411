"""Simulated requesters, and what each was told.

A plain client publishes at QoS 1 in a session that outlives its connection, and sends a request
again only if the broker said that nobody took it (PUBACK reason 0x10): what the cluster loses
stays lost and is seen. A library client is driven by window and line of `fluid.client` itself: it
sends again what is not answered, drops second answers, and goes to another broker if there is one.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from fluid.bus import (
    Closed,
    Confirmed,
    Delivered,
    Link,
    LinkEvent,
    LinkOptions,
    Message,
    Opened,
    Subscription,
)
from fluid.bus.protocol import REASON_NO_MATCHING_SUBSCRIBERS
from fluid.client.line import FromLink, Line
from fluid.client.window import RequestWindow
from fluid.client.wishes import Wishes
from fluid.messages import (
    UNIQUE_PROPERTY,
    ErrorReply,
    Malformed,
    Reply,
    decode_replies,
)
from tests.simulation.network import Network

if TYPE_CHECKING:
    from tests.simulation.world import World

_RETRY_S = 0.25
_REOPEN_S = 0.1
_FOR_EVER_S = 10_000.0
_CONNECT_TIMEOUT_S = 5.0
_SUBSCRIBED = 0
STILL_IMAGE = b"the same image"


_NO_WISHES = Wishes()


class Client(ABC):
    """sent: payloads by request id, and sent_at the moments. accepted: ids that the broker
    confirmed and had somebody for. sends: how often each was published.
    wishes: what was asked for beside the image. answers: every reply, by request id."""

    resends = False

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.network = Network(world)
        self.sent: dict[str, bytes] = {}
        self.sent_at: dict[str, float] = {}
        self.accepted: set[str] = set()
        self.answers: dict[str, list[Reply]] = {}
        self.wishes: dict[str, Wishes] = {}
        self.sends: Counter[str] = Counter()
        self.still_sent = 0
        self.still_accepted = 0
        self.still_answered = 0
        world.clients.append(self)

    @property
    def reply_topic(self) -> str:
        return f"fluid/result/{self.name}"

    def lose_network(self) -> None:
        self.network.break_links()

    @abstractmethod
    def connect(self) -> None:
        """Open a link, if there is none."""

    def send(self, payload: bytes, wishes: Wishes | None = None) -> str:
        """Publish one request; returns its id."""
        request_id = f"{self.name}-{len(self.sent)}"
        if wishes is not None:
            self.wishes[request_id] = wishes
        self.sent[request_id] = payload
        self.sent_at[request_id] = self.world.now
        self.world.detail(lambda: f"{self.name}: send {request_id}")
        self.connect()
        self._submit(request_id)
        return request_id

    def stream(self, count: int, *, every_s: float) -> None:
        """Publish `count` requests, one each `every_s`, starting now."""
        start = len(self.sent)
        for index in range(count):
            payload = b"%s image %d" % (self.name.encode(), start + index)
            self.world.after(index * every_s, partial(self._send_one, payload))

    def lost(self) -> list[str]:
        """Requests without an answer that must have one."""
        return [request_id for request_id in self.due() if request_id not in self.answers]

    @abstractmethod
    def due(self) -> list[str]:
        """The requests that must be answered."""

    def answered_twice(self) -> list[str]:
        return [request_id for request_id, replies in self.answers.items() if len(replies) > 1]

    def subnetworks(self) -> Counter[str]:
        """How many requests were answered first by which sub-network, or with which error."""
        return Counter(
            first.code if isinstance(first, ErrorReply) else first.subnetwork
            for first in (replies[0] for replies in self.answers.values())
        )

    @abstractmethod
    def _submit(self, request_id: str) -> None: ...

    def _send_one(self, payload: bytes) -> None:
        self.send(payload)

    def _message(self, request_id: str) -> Message:
        self.sends[request_id] += 1
        return Message(
            "fluid/infer",
            self.sent[request_id],
            qos=1,
            response_topic=self.reply_topic,
            correlation=request_id.encode(),
            user_properties=(UNIQUE_PROPERTY, *self._wish_properties(request_id)),
        )

    def _wish_properties(self, request_id: str) -> tuple[tuple[str, str], ...]:
        wishes = self.wishes.get(request_id, _NO_WISHES)
        return replace(wishes, probabilities=True).properties

    def _note(self, message: Message) -> str | None:
        """Note an answer; the id of its request, None where it has none."""
        replies = decode_replies(message.payload)
        assert not isinstance(replies, Malformed), replies
        if message.correlation is None:
            self.still_answered += 1
            return None
        request_id = message.correlation.decode()
        self.answers.setdefault(request_id, []).extend(replies)
        self.world.detail(lambda: f"{self.name}: answer {request_id} {_brief(replies[0])}")
        return request_id


class PlainClient(Client):
    """Any MQTT client."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self._link: Link | None = None
        self._is_open = False
        self._last_token = _SUBSCRIBED
        self._by_token: dict[int, Message] = {}
        self._unsent: list[Message] = []

    def due(self) -> list[str]:
        return [request_id for request_id in self.sent if request_id in self.accepted]

    def unconfirmed(self) -> bool:
        """Whether something waits for the broker's word."""
        return bool(self._unsent or self._by_token)

    def publish_raw(self, message: Message) -> None:
        """Publish as any MQTT client would."""
        self.connect()
        if self._link is None or not self._is_open:
            self._unsent.append(message)
            return
        self._last_token += 1
        self._by_token[self._last_token] = message
        self._link.publish(message, token=self._last_token)

    def send_still(self) -> None:
        """Publish the same image again, without an id."""
        self.still_sent += 1
        self.publish_raw(
            Message("fluid/infer", STILL_IMAGE, qos=1, response_topic=self.reply_topic)
        )

    def stream_equal(self, count: int, *, every_s: float) -> None:
        """Publish `count` equal requests without ids, as a camera does with a still scene."""
        for index in range(count):
            self.world.after(index * every_s, self.send_still)

    def connect(self) -> None:
        if self._link is None:
            options = LinkOptions(self.name, clean_start=False, session_expiry_s=3600)
            self._link = self.network.open(options, self._hear)

    def _submit(self, request_id: str) -> None:
        self.publish_raw(self._message(request_id))

    def _hear(self, event: LinkEvent) -> None:
        match event:
            case Opened():
                self._is_open = True
                assert self._link is not None
                self._link.subscribe([Subscription(self.reply_topic)])
                unsent, self._unsent = self._unsent, []
                for message in unsent:
                    self.publish_raw(message)
            case Closed():
                self._link, self._is_open = None, False
                # Whether the broker has these nobody knows: nothing is promised about them.
                self._by_token.clear()
                self.world.after(_REOPEN_S, self.connect)
            case Delivered(message):
                self._note(message)
            case Confirmed(token) if token in self._by_token:
                self._confirmed(self._by_token.pop(token), event)

    def _confirmed(self, message: Message, event: Confirmed) -> None:
        if message.topic != "fluid/infer":
            return
        if event.reason == REASON_NO_MATCHING_SUBSCRIBERS:
            self.world.after(_RETRY_S, partial(self.publish_raw, message))
        elif message.correlation is None:
            self.still_accepted += 1
        else:
            self.accepted.add(message.correlation.decode())


class LibraryClient(Client):
    """`fluid.client` on simulated time: its window, and its line to however many brokers there are.

    given: how often each answer was given to the caller.
    """

    resends = True

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self.window = RequestWindow()
        self.given: Counter[str] = Counter()
        self.line = Line(
            [self.network.to(broker) for broker in range(len(world.brokers))],
            [f"broker {broker}" for broker in range(len(world.brokers))],
            options=LinkOptions(self.name),
            connect_timeout_s=_CONNECT_TIMEOUT_S,
            post=self._take,
        )
        self._is_started = False
        self._tokens: dict[int, str] = {}
        self._last_token = _SUBSCRIBED
        self._alarm_at: float | None = None

    def connect(self) -> None:
        if not self._is_started:
            self._is_started = True
            self.line.open(self.world.now)

    def due(self) -> list[str]:
        return list(self.sent)

    def _submit(self, request_id: str) -> None:
        self.window.submit(request_id, self.world.now, timeout_s=_FOR_EVER_S)
        self._do_what_is_due()

    def _take(self, item: FromLink) -> None:
        now = self.world.now
        match self.line.take(item):
            case Opened():
                if self.line.link is not None:
                    self.line.link.subscribe([Subscription(self.reply_topic)], token=_SUBSCRIBED)
            case Confirmed(token) if token == _SUBSCRIBED:
                self.line.opened(now)
                self.window.link_opened(now)
            case Confirmed(token, reason):
                if request_id := self._tokens.pop(token, None):
                    self._confirmed(request_id, reason, now)
            case Closed() as closed:
                self._let_go_of_link()
                self.line.closed(closed, now)
            case Delivered(message):
                self._take_reply(message)
        self._do_what_is_due()

    def _confirmed(self, request_id: str, reason: int, now: float) -> None:
        if reason == REASON_NO_MATCHING_SUBSCRIBERS:
            self.line.unserved(now)
        else:
            self.line.served()
            self.accepted.add(request_id)
        self.window.confirmed(request_id, now, reason=reason)

    def _let_go_of_link(self) -> None:
        self._tokens.clear()
        self.window.link_lost()

    def _take_reply(self, message: Message) -> None:
        request_id = self._note(message)
        if request_id and self.window.answered(request_id, self.world.now) is not None:
            self.given[request_id] += 1

    def _do_what_is_due(self) -> None:
        now = self.world.now
        if not self.window:
            self.line.idle()
        if self.line.tick(now):
            self._let_go_of_link()
        for send in self.window.due(now).sends:
            if self.line.link is None:
                continue  # it is due again as soon as there is another
            self._last_token += 1
            self._tokens[self._last_token] = send.request_id
            message = replace(self._message(send.request_id), expiry_s=int(_FOR_EVER_S))
            self.line.link.publish(message, token=self._last_token)
        window_s = self.window.next_deadline()
        deadline = min(self.line.next_deadline(), math.inf if window_s is None else window_s)
        if deadline < math.inf and (self._alarm_at is None or deadline < self._alarm_at):
            self._alarm_at = deadline
            self.world.at(deadline, partial(self._alarm, deadline))

    def _alarm(self, set_for: float) -> None:
        if set_for == self._alarm_at:
            self._alarm_at = None
            self._do_what_is_due()


def _brief(reply: Reply) -> str:
    if isinstance(reply, ErrorReply):
        return reply.code
    degraded = " degraded" if reply.degraded else ""
    return f"{reply.mode} {reply.subnetwork} of {','.join(reply.devices)}{degraded}"
