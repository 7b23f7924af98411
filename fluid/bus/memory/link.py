"""A client's end of a connection to the broker inside the process."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Protocol

from fluid.bus.memory.engine import Engine
from fluid.bus.protocol import (
    CloseReason,
    Delivered,
    LinkEvent,
    LinkOptions,
    Message,
    Sink,
    Subscription,
)
from fluid.bus.rules import check_filters, check_message

# Takes the receiving client id and what delivers one event to it. The events of one link must be
# delivered in the order in which they were scheduled.
Schedule = Callable[[str, Callable[[], None]], None]


class _Broker(Protocol):
    def turn(self) -> AbstractContextManager[Engine]: ...

    def later(self, delivery: Callable[[], None]) -> None: ...


class MemoryLink:
    """A `Link`, and for the engine a connection."""

    def __init__(
        self, broker: _Broker, options: LinkOptions, sink: Sink, schedule: Schedule | None
    ) -> None:
        self.options = options
        self._broker = broker
        self._sink = sink
        self._schedule = schedule
        self._is_mute = False
        self._is_deaf = False
        self._unsent: list[Callable[[Engine], None]] = []
        self._unheard: list[LinkEvent] = []

    def publish(self, message: Message, *, token: int | None = None) -> None:
        check_message(message)
        self._do(lambda engine: engine.publish(self, message, token))

    def subscribe(self, subscriptions: list[Subscription], *, token: int | None = None) -> None:
        check_filters([each.topic_filter for each in subscriptions])
        self._do(lambda engine: engine.subscribe(self, subscriptions, token))

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()

    def unsubscribe(self, topic_filters: list[str], *, token: int | None = None) -> None:
        check_filters(topic_filters)
        self._do(lambda engine: engine.unsubscribe(self, topic_filters, token))

    def ack(self, ack_id: int) -> None:
        self._do(lambda engine: engine.acknowledge(self, ack_id))

    def close(self, *, end_session: bool = False, send_will: bool = False) -> None:
        self._do(
            lambda engine: engine.disconnect(
                self, CloseReason.REQUESTED, fires_will=send_will, ends_session=end_session
            )
        )

    def _do(self, call: Callable[[Engine], None]) -> None:
        with self._broker.turn() as engine:
            if self._is_mute:
                self._unsent.append(call)
            elif engine.is_open(self):
                call(engine)

    # --- faults -------------------------------------------------------------------------------

    def kill(self) -> None:
        """The socket closes: `LOST`, and the will is published. Nothing if it is closed."""
        with self._broker.turn() as engine:
            if engine.is_open(self):
                engine.disconnect(self, CloseReason.LOST, fires_will=True)

    def silence(self, *, hears: bool = False) -> None:
        """Nothing leaves the client, and nothing reaches it unless `hears`: keepalive runs out."""
        with self._broker.turn() as engine:
            self._is_mute = True
            self._is_deaf = not hears
            if engine.is_open(self):
                engine.fell_silent(self)

    def revive(self) -> None:
        """What had arrived is heard, before anything that is still on its way; what was held back
        is sent, or dropped if the connection has ended meanwhile."""
        with self._broker.turn() as engine:
            self._is_mute = self._is_deaf = False
            engine.spoke(self)
            unheard, self._unheard = self._unheard, []
            for event in unheard:
                self._broker.later(partial(self._hear, event))
            unsent, self._unsent = self._unsent, []
            for call in unsent:
                if engine.is_open(self):
                    call(engine)

    # --- for the engine -----------------------------------------------------------------------

    def emit(self, event: LinkEvent) -> None:
        """Queue an event for the sink, or for the scheduler that decides when it arrives."""
        hear = partial(self._hear, event)
        if self._schedule is None:
            self._broker.later(hear)
        else:
            self._broker.later(partial(self._schedule, self.options.client_id, hear))

    def _hear(self, event: LinkEvent) -> None:
        if self._is_deaf:
            with self._broker.turn():
                if self._is_deaf:
                    self._unheard.append(event)
                    return
        self._sink(event)
        if isinstance(event, Delivered) and event.ack_id and not self.options.manual_ack:
            self.ack(event.ack_id)
