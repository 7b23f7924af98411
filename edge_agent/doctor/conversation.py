"""One connection to a broker, asked one thing after the other."""

import queue
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self

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

TIMEOUT_S = 10.0
_LAST_WORDS_S = 3.0


class Ended(Exception):
    """The connection is over, or nothing comes. The message says why."""


class Conversation:
    """`with Conversation(bus, options) as talk`: raises `Ended` where there is no connection."""

    def __init__(self, bus: Bus, options: LinkOptions, *, timeout_s: float = TIMEOUT_S) -> None:
        self._events: queue.SimpleQueue[LinkEvent] = queue.SimpleQueue()
        self._timeout_s = timeout_s
        self._link = bus.open(options, self._events.put)
        self._heard: list[Message] = []

    def __enter__(self) -> Self:
        try:
            while not isinstance(self._next(), Opened):
                pass
        except Ended:
            self._link.close()
            raise
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._link.close()
        deadline_s = time.monotonic() + _LAST_WORDS_S
        try:
            while not isinstance(self._events.get(timeout=deadline_s - time.monotonic()), Closed):
                pass
        except (queue.Empty, ValueError):
            return  # its thread ends with the process

    def subscribe(self, topic_filters: Iterable[str]) -> list[str]:
        """Returns those that were refused."""
        filters = list(topic_filters)
        for token, each in enumerate(filters, 1):
            self._link.subscribe([Subscription(each)], token=token)
        return self._refused(filters)

    def publish(self, messages: Iterable[Message]) -> list[str]:
        """Returns the topics of those that were refused."""
        sent = list(messages)
        for token, message in enumerate(sent, 1):
            self._link.publish(message, token=token)
        return self._refused([each.topic for each in sent])

    def listen(self, wanted: Iterable[str], *, timeout_s: float) -> set[str]:
        """Wait for messages on these topics; returns those on which none came in time."""
        missing = set(wanted) - {each.topic for each in self._heard}
        deadline_s = time.monotonic() + timeout_s
        while missing and (left_s := deadline_s - time.monotonic()) > 0:
            try:
                event = self._events.get(timeout=left_s)
            except queue.Empty:
                break
            self._take(event)
            missing -= {each.topic for each in self._heard}
        return missing

    def heard(self, topic: str) -> Message | None:
        """The first message that came on this topic."""
        return next((each for each in self._heard if each.topic == topic), None)

    def _refused(self, names: list[str]) -> list[str]:
        answers: dict[int, bool] = {}
        while len(answers) < len(names):
            event = self._next()
            if isinstance(event, Confirmed):
                answers[event.token] = event.accepted
        return [name for token, name in enumerate(names, 1) if not answers[token]]

    def _next(self) -> LinkEvent:
        try:
            event = self._events.get(timeout=self._timeout_s)
        except queue.Empty as error:
            raise Ended(f"the broker did not answer within {self._timeout_s:g} s") from error
        self._take(event)
        return event

    def _take(self, event: LinkEvent) -> None:
        if isinstance(event, Closed):
            raise Ended(event.detail or event.reason)
        if isinstance(event, Delivered):
            self._heard.append(event.message)
