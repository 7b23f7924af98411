"""A broker for tests of the client: it answers each publish from a script, in the caller's thread.

Not a model of MQTT: it keeps no sessions and matches only exact topics and `+`. What it gives is
control over what the client sees, in which order, without waiting for anything.
"""

# ruff: noqa: ARG002 -- the signatures are the bus protocol's

import json
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

from fluid.bus.protocol import (
    Closed,
    CloseReason,
    Confirmed,
    Delivered,
    LinkOptions,
    Message,
    Opened,
    Sink,
    Subscription,
)

Script = Callable[["FakeLink", Message], None]


def reply_payload(request_id: str, label: int = 7, *, device: str = "pi-1") -> bytes:
    return json.dumps(result_document(request_id, label, device=device)).encode()


def result_document(request_id: str, label: int = 7, *, device: str = "pi-1") -> dict[str, object]:
    return {
        "id": request_id,
        "label": label,
        "class": str(label),
        "confidence": 0.9,
        "mode": "ha",
        "subnetwork": "100",
        "devices": [device],
        "bundle": "abc",
        "queue_ms": 1.0,
        "compute_ms": 2.0,
    }


def error_payload(request_id: str, code: str, message: str) -> bytes:
    return json.dumps({"id": request_id, "error": {"code": code, "message": message}}).encode()


def answer_with_length(link: "FakeLink", request: Message) -> None:
    """The answering script: the label is the payload's length."""
    assert request.correlation is not None
    link.answer(request, reply_payload(request.correlation.decode(), len(request.payload)))


def never_answer(_link: "FakeLink", _request: Message) -> None:
    """The script of a cluster that takes requests and says nothing."""


class FakeLink:
    def __init__(self, bus: "FakeBus", options: LinkOptions, sink: Sink) -> None:
        self.options = options
        self.subscriptions: list[Subscription] = []
        self.is_open = False
        self._bus = bus
        self._sink = sink

    def begin(self, refusal: Closed | None) -> None:
        if refusal is not None:
            self._sink(refusal)
            return
        self.is_open = True
        self._sink(Opened(session_present=False))

    def publish(self, message: Message, *, token: int | None = None) -> None:
        if not self.is_open:
            return
        self._bus.published.append(message)
        if token is not None:
            self._sink(Confirmed(token, self._bus.next_reason()))
        if self.hears(message.topic):
            self.deliver(message)
        else:
            self._bus.script(self, message)

    def subscribe(self, subscriptions: list[Subscription], *, token: int | None = None) -> None:
        if not self.is_open:
            return
        self.subscriptions += subscriptions
        if token is not None:
            self._sink(Confirmed(token, self._bus.subscribe_reason))
        for message in self._bus.retained:
            if self.hears(message.topic):
                self.deliver(message)

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()

    def unsubscribe(self, topic_filters: list[str], *, token: int | None = None) -> None:
        raise AssertionError("the client has nothing to unsubscribe from")

    def ack(self, ack_id: int) -> None:
        raise AssertionError("the client does not acknowledge by hand")

    def close(self, *, end_session: bool = False, send_will: bool = False) -> None:
        if self.is_open:
            self.end(Closed(CloseReason.REQUESTED))

    def hears(self, topic: str) -> bool:
        return any(
            topic == each.topic_filter
            or (each.topic_filter.endswith("+") and topic.startswith(each.topic_filter[:-1]))
            for each in self.subscriptions
        )

    def answer(self, request: Message, payload: bytes) -> None:
        """Answer as an agent does, on the request's response topic."""
        assert request.response_topic is not None
        assert self.hears(request.response_topic), "the reply topic must be subscribed first"
        self.deliver(
            Message(request.response_topic, payload, qos=1, correlation=request.correlation)
        )

    def deliver(self, message: Message) -> None:
        self._sink(Delivered(message))

    def end(self, closed: Closed) -> None:
        self.is_open = False
        self._sink(closed)


@dataclass
class FakeBus:
    """script: what happens on a publish. refusals: how the first opens end, in their order.
    reasons: PUBACK reasons of the first publishes, 0 after them. retained: sent on subscribing.
    """

    script: Script = answer_with_length
    refusals: list[Closed] = field(default_factory=list)
    reasons: list[int] = field(default_factory=list)
    subscribe_reason: int = 0
    retained: Iterable[Message] = ()
    links: list[FakeLink] = field(default_factory=list)
    published: list[Message] = field(default_factory=list)

    def open(self, options: LinkOptions, sink: Sink) -> FakeLink:
        link = FakeLink(self, options, sink)
        self.links.append(link)
        link.begin(self.refusals.pop(0) if self.refusals else None)
        return link

    def next_reason(self) -> int:
        return self.reasons.pop(0) if self.reasons else 0

    @property
    def published_ids(self) -> list[str]:
        return [each.correlation.decode() for each in self.published if each.correlation]


def retained(topic: str, payload: bytes) -> Message:
    return replace(Message(topic, payload, qos=1), retain=True)
