"""What a broker keeps for one client id: subscriptions, and QoS 1 messages until acknowledged."""

import math
from collections import deque
from dataclasses import dataclass, field, replace

from fluid.bus.protocol import Delivered, Message, Subscription

_MAX_ACK_ID = 65_535


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message on its way; `expires_at_s` is on the broker's clock.

    ack_id: 0 until it has been sent for the first time, and the same from then on.
    """

    message: Message
    expires_at_s: float | None = None
    subscription_ids: tuple[int, ...] = ()
    ack_id: int = 0

    def expired(self, now_s: float) -> bool:
        return self.expires_at_s is not None and self.expires_at_s <= now_s

    def opened(self, now_s: float) -> Message:
        """The message with the seconds that it still has to live (MQTT 5, section 3.3.2.3.3)."""
        if self.expires_at_s is None:
            return self.message
        return replace(self.message, expiry_s=math.ceil(self.expires_at_s - now_s))


@dataclass(slots=True)
class Session:
    """One client id's state; pure, and unaware of whether the client is connected."""

    client_id: str
    expiry_s: int
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    ends_at_s: float | None = None  # None while the client is connected
    clean_start: bool = True  # of the last connection
    _queue: deque[Envelope] = field(default_factory=deque)
    _in_flight: dict[int, Envelope] = field(default_factory=dict)
    _ack_ids: set[int] = field(default_factory=set)
    _last_ack_id: int = 0

    @property
    def in_flight(self) -> int:
        """How many messages are sent and not acknowledged."""
        return len(self._in_flight)

    @property
    def waiting(self) -> int:
        """How many messages are not sent yet, or are to be sent again."""
        return len(self._queue)

    @property
    def backlog(self) -> int:
        """How many messages are not acknowledged, sent or not."""
        return len(self._queue) + len(self._in_flight)

    @property
    def sent(self) -> list[Message]:
        """What was sent at least once and is not acknowledged."""
        envelopes = (*self._in_flight.values(), *self._queue)
        return [envelope.message for envelope in envelopes if envelope.ack_id]

    def copy(self) -> "Session":
        """The same state, which goes its own way from now on. Messages do not change."""
        return replace(
            self,
            subscriptions=dict(self.subscriptions),
            _queue=deque(self._queue),
            _in_flight=dict(self._in_flight),
            _ack_ids=set(self._ack_ids),
        )

    def push(self, envelope: Envelope) -> None:
        self._queue.append(envelope)

    def send(self, *, window: int, now_s: float) -> list[Delivered]:
        """Take from the queue what may be in flight, in order; drop what has expired."""
        sent = []
        while self._queue and len(self._in_flight) < window:
            envelope = self._queue.popleft()
            if envelope.expired(now_s):
                self._ack_ids.discard(envelope.ack_id)
                continue
            duplicate = envelope.ack_id != 0
            ack_id = envelope.ack_id or self._new_ack_id()
            self._in_flight[ack_id] = replace(envelope, ack_id=ack_id)
            sent.append(
                Delivered(envelope.opened(now_s), ack_id, duplicate, envelope.subscription_ids)
            )
        return sent

    def acknowledge(self, ack_id: int) -> bool:
        """Let go of a message in flight; whether there was one."""
        if self._in_flight.pop(ack_id, None) is None:
            return False
        self._ack_ids.remove(ack_id)
        return True

    def rewind(self) -> None:
        """The connection is over: what is in flight will be sent again, before what waits."""
        self._queue.extendleft(reversed(self._in_flight.values()))
        self._in_flight.clear()

    def _new_ack_id(self) -> int:
        ack_id = self._last_ack_id % _MAX_ACK_ID + 1
        while ack_id in self._ack_ids:
            ack_id = ack_id % _MAX_ACK_ID + 1
        self._ack_ids.add(ack_id)
        self._last_ack_id = ack_id
        return ack_id
