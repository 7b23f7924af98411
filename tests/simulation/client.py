"""A simulated requester: publishes at QoS 1 and notes every answer.

It sends a request again only if the broker said that nobody took it (PUBACK reason 0x10), so
what the cluster loses stays lost and is seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from fluid.bus import Confirmed, Delivered, Link, LinkEvent, LinkOptions, Message, Subscription
from fluid.bus.memory import MemoryBus
from fluid.bus.protocol import REASON_NO_MATCHING_SUBSCRIBERS
from fluid.messages import (
    PROBABILITIES_PROPERTY,
    UNIQUE_PROPERTY,
    ErrorReply,
    Malformed,
    Reply,
    decode_replies,
)

if TYPE_CHECKING:
    from tests.simulation.world import World

_REPLY_TOPIC = "fluid/result/client"
_RETRY_S = 0.25


@dataclass(slots=True)
class SimClient:
    """sent: payloads by request id. answers: every reply, by request id."""

    world: World
    sent: dict[str, bytes] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)
    answers: dict[str, list[Reply]] = field(default_factory=dict)
    anonymous_answers: int = 0
    _link: Link | None = None

    def connect(self) -> None:
        bus = MemoryBus(self.world.broker, schedule=self._schedule)
        options = LinkOptions("client", clean_start=False, session_expiry_s=3600)
        self._link = bus.open(options, self._hear)
        self._link.subscribe([Subscription(_REPLY_TOPIC), Subscription("fluid/result")])

    def send(self, payload: bytes, request_id: str | None = None) -> str:
        """Publish one request; returns its id."""
        request_id = request_id or f"r{len(self.sent)}"
        self.sent[request_id] = payload
        self._publish(request_id)
        return request_id

    def publish_raw(self, message: Message) -> None:
        """Publish as any MQTT client would."""
        assert self._link is not None
        self._link.publish(message)

    def stream(self, count: int, *, every_s: float) -> None:
        """Publish `count` requests, one each `every_s`, starting now."""
        start = len(self.sent)
        for index in range(count):
            payload = b"image %d" % (start + index)
            self.world.after(index * every_s, partial(self._send_one, payload))

    def stream_equal(self, count: int, *, every_s: float) -> None:
        """Publish `count` equal requests without ids, as a camera does with a still scene."""
        same = Message("fluid/infer", b"the same image", qos=1)
        for index in range(count):
            self.world.after(index * every_s, partial(self.publish_raw, same))

    def lost(self) -> list[str]:
        """Requests without an answer."""
        return [request_id for request_id in self.sent if request_id not in self.answers]

    def answered_twice(self) -> list[str]:
        return [request_id for request_id, replies in self.answers.items() if len(replies) > 1]

    def subnetworks(self) -> Counter[str]:
        """How many requests were answered first by which sub-network, or with which error."""
        return Counter(
            first.code if isinstance(first, ErrorReply) else first.subnetwork
            for first in (replies[0] for replies in self.answers.values())
        )

    def _send_one(self, payload: bytes) -> None:
        self.send(payload)

    def _publish(self, request_id: str) -> None:
        if self._link is None:
            self.connect()
        assert self._link is not None
        message = Message(
            "fluid/infer",
            self.sent[request_id],
            qos=1,
            response_topic=_REPLY_TOPIC,
            correlation=request_id.encode(),
            user_properties=(PROBABILITIES_PROPERTY, UNIQUE_PROPERTY),
        )
        self._link.publish(message, token=int(request_id[1:]) + 1)

    def _schedule(self, _client_id: str, deliver: Callable[[], None]) -> None:
        self.world.after(0.0005, deliver)

    def _hear(self, event: LinkEvent) -> None:
        match event:
            case Delivered(message):
                replies = decode_replies(message.payload)
                assert not isinstance(replies, Malformed), replies
                if message.correlation is None:
                    self.anonymous_answers += 1
                    return
                self.answers.setdefault(message.correlation.decode(), []).extend(replies)
            case Confirmed(token, reason) if reason == REASON_NO_MATCHING_SUBSCRIBERS:
                self.world.after(_RETRY_S, lambda: self._publish(f"r{token - 1}"))
            case Confirmed(token) if event.accepted:
                self.accepted.add(f"r{token - 1}")
            case _:
                pass
