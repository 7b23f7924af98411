"""A link with everything that it hears, for tests of and over the bus."""

import itertools
import queue
from collections.abc import Callable
from typing import TypeVar

from fluid.bus import (
    Bus,
    Closed,
    Confirmed,
    Delivered,
    LinkEvent,
    LinkOptions,
    Message,
    Opened,
    Subscription,
)

TIMEOUT_S = 30.0  # only to end a failing test

_Event = TypeVar("_Event", Opened, Closed, Confirmed, Delivered)


class Recorder:
    """Opens a link and takes its events in order, each once.

    What is asked for is waited for; events of another kind that come before it stay for later.
    """

    def __init__(self, bus: Bus, options: LinkOptions) -> None:
        self.options = options
        self._arrived: queue.SimpleQueue[LinkEvent] = queue.SimpleQueue()
        self._kept: list[LinkEvent] = []
        self._tokens = itertools.count(1)
        self.link = bus.open(options, self._arrived.put)

    def next(self) -> LinkEvent:
        """The next event of any kind."""
        if self._kept:
            return self._kept.pop(0)
        return self._arrived.get(timeout=TIMEOUT_S)

    def opened(self) -> Opened:
        return self._take(Opened)

    def closed(self) -> Closed:
        """How the link ended. Nothing may come after that."""
        closed = self._take(Closed)
        assert self.is_quiet(), "an event after Closed"
        return closed

    def is_quiet(self) -> bool:
        """Whether nothing has arrived that was not taken or waited past."""
        return self._arrived.empty()

    def delivered(self, count: int) -> list[Delivered]:
        return [self._take(Delivered) for _ in range(count)]

    def payloads(self, count: int) -> list[bytes]:
        return [delivered.message.payload for delivered in self.delivered(count)]

    def publish(self, message: Message) -> Confirmed:
        """Publish at QoS 1 and wait for the answer."""
        return self._answer(lambda token: self.link.publish(message, token=token))

    def subscribe(self, *subscriptions: Subscription) -> Confirmed:
        """Subscribe and wait for the answer."""
        return self._answer(lambda token: self.link.subscribe(list(subscriptions), token=token))

    def unsubscribe(self, *topic_filters: str) -> Confirmed:
        """Unsubscribe and wait for the answer."""
        return self._answer(lambda token: self.link.unsubscribe(list(topic_filters), token=token))

    def confirmed(self) -> Confirmed:
        return self._take(Confirmed)

    def all_until_now(self) -> list[Delivered]:
        """What the broker had sent to this link when it was asked, and was not taken yet.

        Found out with a message to oneself at QoS 0, which no window holds back: a link's
        events are in order, so what is not before it was not sent.
        """
        mark = f"mark/{self.options.client_id}"
        self.subscribe(Subscription(mark, qos=0, send_retained=False))
        self.link.publish(Message(mark, b""))
        found = []
        while (delivered := self._take(Delivered)).message.topic != mark:
            found.append(delivered)
        return found

    def _answer(self, ask: Callable[[int], None]) -> Confirmed:
        token = next(self._tokens)
        ask(token)
        confirmed = self._take(Confirmed)
        assert confirmed.token == token
        return confirmed

    def _take(self, kind: type[_Event]) -> _Event:
        for index, event in enumerate(self._kept):
            if isinstance(event, kind):
                del self._kept[index]
                return event
        while not isinstance(event := self._arrived.get(timeout=TIMEOUT_S), kind):
            self._kept.append(event)
        return event
