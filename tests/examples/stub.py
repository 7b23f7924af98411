"""An agent whose answers a test chooses: for those that no bundle of ours leads to."""

import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from broker import LocalBroker
from fluid.bus import Closed, Confirmed, Delivered, LinkEvent, LinkOptions, Message, Subscription
from fluid.bus.mqtt import BrokerAddress, MqttBus

TIMEOUT_S = 30.0  # only to end a failing test


@contextmanager
def answering(broker: LocalBroker, answer: Callable[[Message], bytes]) -> Iterator[None]:
    """Each request at this broker gets what `answer` makes of it."""
    events: queue.SimpleQueue[LinkEvent] = queue.SimpleQueue()
    link = MqttBus(BrokerAddress.parse(broker.url)).open(LinkOptions("stub"), events.put)

    def answer_all() -> None:
        while not isinstance(event := events.get(), Closed):
            if isinstance(event, Delivered):
                request = event.message
                assert request.response_topic is not None
                reply = Message(
                    request.response_topic,
                    answer(request),
                    qos=1,
                    correlation=request.correlation,
                )
                link.publish(reply)

    try:
        events.get(timeout=TIMEOUT_S)  # it is open
        link.subscribe([Subscription("fluid/infer")], token=1)
        while not isinstance(events.get(timeout=TIMEOUT_S), Confirmed):
            pass
        thread = threading.Thread(target=answer_all)
        thread.start()
        yield
    finally:
        link.close()
    thread.join(TIMEOUT_S)


def result(request: Message, class_name: str) -> dict[str, Any]:
    """The JSON of an image of this class."""
    return {
        "id": _id(request),
        "label": 0,
        "class": class_name,
        "confidence": 0.5,
        "mode": "ha",
        "subnetwork": "100",
        "devices": ["stub"],
        "bundle": "0",
        "queue_ms": 0.0,
        "compute_ms": 0.0,
    }


def refusal(request: Message, code: str) -> dict[str, Any]:
    """The JSON of an image that has no result."""
    return {"id": _id(request), "error": {"code": code, "message": "no"}}


def as_class(class_name: str) -> Callable[[Message], bytes]:
    """Everything is of this class."""
    return lambda request: json.dumps(result(request, class_name)).encode()


def as_error(code: str) -> Callable[[Message], bytes]:
    """Nothing has a result."""
    return lambda request: json.dumps(refusal(request, code)).encode()


def _id(request: Message) -> str:
    return (request.correlation or b"").decode()
