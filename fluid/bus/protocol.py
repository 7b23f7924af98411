"""The message bus that everything talks through: MQTT 5 reduced to what Fluid uses of it.

A `Bus` opens a `Link`. A link is one connection and ends once: when it is closed nothing comes
after `Closed`, and whoever wants another opens another. That is why nothing in flight on one
connection is ever confused with the next.

All that happens on a link reaches its `sink` as a `LinkEvent`. A sink is called from a thread of
the bus; it must not raise, and return at once: put the event on a queue. It may wait for a reader
that is behind, never for a link: meanwhile the link reads nothing.
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

# What `edge_agent.session_secret` adds to a client id, so that nobody else takes its session over.
_SECRET_PART = re.compile(r":[0-9a-f]{16}(?=:|$)")

REASON_NO_MATCHING_SUBSCRIBERS = 0x10
REASON_FIRST_FAILURE = 0x80
REASON_PACKET_TOO_LARGE = 0x95


@dataclass(frozen=True, slots=True)
class Message:
    """An application message (MQTT 5, section 3.3)."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    response_topic: str | None = None
    correlation: bytes | None = None
    user_properties: tuple[tuple[str, str], ...] = ()
    expiry_s: int | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """A topic filter and the options of MQTT 5, section 3.8.3.1.

    identifier: comes back on each message that this subscription brought. retain_as_published:
    keep the publisher's retain flag. send_retained: whether retained messages are sent now.
    no_local: what this client publishes is not sent back to it.
    """

    topic_filter: str
    qos: int = 1
    identifier: int | None = None
    retain_as_published: bool = False
    send_retained: bool = True
    no_local: bool = False


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """How to connect.

    session_expiry_s 0 ends the session with the connection; more keeps it and resumes it at the
    next connection with the same client id. receive_maximum bounds the QoS 1 messages that the
    broker sends before they are acknowledged. manual_ack: nothing is acknowledged but by `ack`.
    backlog_bytes: what may wait for the broker to take it, before the link ends as lost.
    connect_timeout_s: for TCP and TLS, and once more for the broker's CONNACK. silence_s: how long
    the broker's host may leave unacknowledged what it was sent, before the link ends as lost;
    None for as long as the system has it.
    """

    client_id: str
    clean_start: bool = True
    session_expiry_s: int = 0
    keepalive_s: int = 5
    receive_maximum: int = 1000
    manual_ack: bool = False
    backlog_bytes: int = 64 * 1024 * 1024
    will: Message | None = None
    connect_timeout_s: float = 5.0
    silence_s: float | None = None

    @property
    def shown_id(self) -> str:
        """The client id for people: without what those must not know who read it in a log."""
        return _SECRET_PART.sub(":...", self.client_id)


class CloseReason(StrEnum):
    """Why a link ended, as far as somebody has to act differently."""

    REQUESTED = "requested"
    NOT_FOUND = "not_found"  # the host name does not resolve
    UNREACHABLE = "unreachable"  # nothing listens there, or the network is gone
    REFUSED = "refused"  # credentials or policy
    TAKEN_OVER = "taken_over"  # another connection with this client id (MQTT 5 reason 0x8E)
    LOST = "lost"  # an open link broke


@dataclass(frozen=True, slots=True)
class Opened:
    """The broker accepted; `session_present` says whether it resumed an old session."""

    session_present: bool


@dataclass(frozen=True, slots=True)
class Closed:
    """The link has ended; the last event of a link. `detail` is for people."""

    reason: CloseReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message arrived. `ack_id` goes to `Link.ack`; it is 0 for QoS 0.

    duplicate: the broker has sent it before (MQTT 5, section 3.3.1.1). subscription_ids: the
    identifiers of the subscriptions that brought it.
    """

    message: Message
    ack_id: int = 0
    duplicate: bool = False
    subscription_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The broker answered a publish, subscribe or unsubscribe that carried `token`.

    reason: the MQTT 5 reason code: below 0x80 it was accepted.
    """

    token: int
    reason: int = 0

    @property
    def accepted(self) -> bool:
        return self.reason < REASON_FIRST_FAILURE


LinkEvent = Opened | Closed | Delivered | Confirmed
Sink = Callable[[LinkEvent], None]


class Link(Protocol):
    """One connection. Methods may be called from any thread and never block or raise once the
    link is open or closed: what cannot be sent any more is dropped, and `Closed` says so.

    What the broker has not taken yet waits, but not without end: where too much of it does,
    messages at QoS 0 are dropped first, and then the link ends as lost.

    Before `Opened`, only `close` may be called.
    """

    def publish(self, message: Message, *, token: int | None = None) -> None:
        """Send a message; with a token and QoS 1, `Confirmed(token)` follows the PUBACK.

        What is larger than the broker takes is not sent, as the broker would end the connection:
        it is confirmed with reason 0x95, packet too large.
        """

    def subscribe(self, subscriptions: list[Subscription], *, token: int | None = None) -> None:
        """Subscribe; with a token, `Confirmed(token)` carries the worst reason code."""

    def unsubscribe(self, topic_filters: list[str], *, token: int | None = None) -> None:
        """Unsubscribe; with a token, `Confirmed(token)` follows."""

    def ack(self, ack_id: int) -> None:
        """Acknowledge a delivery of a link opened with `manual_ack`."""

    def close(self, *, end_session: bool = False, send_will: bool = False) -> None:
        """Disconnect. `end_session` forgets the session at the broker (expiry 0), `send_will`
        asks the broker to publish the will (reason 0x04)."""

    def together(self) -> AbstractContextManager[None]:
        """What the calling thread asks for within, it asks for at the end and all at once, which
        costs less than one by one. For one thread at a time."""


class Bus(Protocol):
    """Something that links can be opened on."""

    def open(self, options: LinkOptions, sink: Sink) -> Link:
        """Start connecting; returns at once. The first event is `Opened` or `Closed`."""


@runtime_checkable
class KnownUser(Protocol):
    """A bus whose broker may know us by a name, and grant rights by it."""

    @property
    def user(self) -> str | None:
        """The name; None for none."""
