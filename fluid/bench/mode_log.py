"""Hears which mode a cluster's leader decides for, and when, on `fluid/cluster`."""

import queue
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from fluid.bench.errors import NotServing
from fluid.bus.protocol import Bus, Delivered, LinkEvent, LinkOptions, Opened, Subscription
from fluid.client.connecting import new_client_id
from fluid.messages.control import ClusterState, Mode, decode_cluster

_CONNECT_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Switch:
    """The leader has decided for another mode. at_s: since the stream began."""

    at_s: float
    mode: Mode


class ModeLog:
    """Listens from when it is entered until it is left."""

    def __init__(self, bus: Bus, topic: str) -> None:
        self._bus = bus
        self._topic = topic
        self._heard: queue.SimpleQueue[tuple[float, LinkEvent]] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        self._link = self._bus.open(LinkOptions(new_client_id()), self._hear)
        try:
            _, event = self._heard.get(timeout=_CONNECT_TIMEOUT_S)
        except queue.Empty as error:
            raise NotServing("the broker does not answer, so the mode cannot be heard") from error
        if not isinstance(event, Opened):
            raise NotServing(f"the mode cannot be heard: {event}")
        self._link.subscribe([Subscription(self._topic)])
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._link.close()

    def switches(self, *, since_s: float) -> list[Switch]:
        """The changes of the mode since a monotonic time; what was retained before is none."""
        found: list[Switch] = []
        known: Mode | None = None
        while not self._heard.empty():
            at_s, event = self._heard.get()
            state = decode_cluster(event.message.payload) if isinstance(event, Delivered) else None
            if not isinstance(state, ClusterState):
                continue
            if known not in (None, state.mode) and at_s >= since_s:
                found.append(Switch(at_s - since_s, state.mode))
            known = state.mode
        return found

    def _hear(self, event: LinkEvent) -> None:
        self._heard.put((time.monotonic(), event))
