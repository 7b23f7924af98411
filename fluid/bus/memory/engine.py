"""MQTT 5 as a state machine: what a broker does with each packet.

Pure: no threads, no clock, no randomness, no delivery. Whatever a client is to hear goes to its
connection's `emit`, in order; the time comes from `advance`. It follows Mosquitto where the
standard leaves a choice, and departs from it only with `Quirks`.
"""

from collections import deque
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

from fluid.bus.memory.quirks import Quirks
from fluid.bus.memory.session import Envelope, Session
from fluid.bus.protocol import (
    REASON_NO_MATCHING_SUBSCRIBERS,
    Closed,
    CloseReason,
    Confirmed,
    Delivered,
    LinkEvent,
    LinkOptions,
    Message,
    Opened,
    Subscription,
)
from fluid.bus.rules import matches, split_share

_NO_SUBSCRIPTION_EXISTED = 0x11
_KEEPALIVES_TO_DIE = 1.5  # MQTT 5, section 3.1.2.10

_matches = lru_cache(maxsize=4096)(matches)


class Connection(Protocol):
    """One client's connection: how it was opened, and where its events go."""

    options: LinkOptions

    def emit(self, event: LinkEvent) -> None: ...


@dataclass(frozen=True, slots=True)
class Saved:
    """What a broker has on its disk."""

    sessions: tuple[Session, ...] = ()
    retained: tuple[Envelope, ...] = ()
    shares: tuple[tuple[str, tuple[str, ...]], ...] = ()


class Engine:
    """The broker's state, and what each packet does to it.

    most_waiting: how many QoS 1 messages may wait in a session beyond those in flight. What comes
    then is dropped after it was confirmed to its publisher, and counted in `dropped`.
    """

    def __init__(self, quirks: Quirks, *, most_waiting: int | None = None) -> None:
        self._quirks = quirks
        self._most_waiting = most_waiting
        self.dropped = 0
        self._now_s = 0.0
        self._scanned_at_s = 0.0
        self._silent_since_s: dict[str, float] = {}
        self._connections: dict[str, Connection] = {}
        self._sessions: dict[str, Session] = {}
        self._retained: dict[str, Envelope] = {}
        self._shares: dict[str, deque[str]] = {}  # shared filter -> client ids, next one first

    # --- what clients send --------------------------------------------------------------------

    def connect(self, connection: Connection) -> None:
        """Accept a connection; an older one of the same client id ends (section 3.1.4)."""
        options = connection.options
        old = self._connections.get(options.client_id)
        session = self._sessions.get(options.client_id)
        resumed = session is not None and not options.clean_start
        if old is not None:
            resumed = resumed and session is not None and session.expiry_s > 0
            # A will without a delay is due whenever a connection ends without a DISCONNECT of
            # its client (section 3.1.2.5), so also now, and before the new one hears anything.
            self.disconnect(
                old,
                CloseReason.LOST if self._quirks.silent_takeover else CloseReason.TAKEN_OVER,
                fires_will=not (resumed and self._quirks.will_lost_by_resuming),
            )
        if session is None or not resumed:
            self._forget(options.client_id)
            session = self._sessions[options.client_id] = Session(options.client_id, 0)
        session.expiry_s = options.session_expiry_s
        session.clean_start = options.clean_start
        session.ends_at_s = None
        self._connections[options.client_id] = connection
        connection.emit(Opened(session_present=resumed))
        self._send(session)

    def disconnect(
        self,
        connection: Connection,
        reason: CloseReason,
        *,
        fires_will: bool,
        ends_session: bool = False,
    ) -> None:
        """End an open connection, whoever ends it."""
        client_id = connection.options.client_id
        del self._connections[client_id]
        self._silent_since_s.pop(client_id, None)
        connection.emit(Closed(reason))
        session = self._sessions[client_id]
        session.rewind()
        if fires_will and connection.options.will is not None:
            self._route(connection.options.will)
        session.ends_at_s = self._now_s + session.expiry_s
        if ends_session or session.expiry_s == 0:
            self._forget(client_id)

    def publish(self, connection: Connection, message: Message, token: int | None) -> None:
        reason = self._route(message, publisher=connection.options.client_id)
        if token is not None and message.qos:
            connection.emit(Confirmed(token, reason))

    def subscribe(
        self, connection: Connection, subscriptions: list[Subscription], token: int | None
    ) -> None:
        session = self._sessions[connection.options.client_id]
        for subscription in subscriptions:
            session.subscriptions[subscription.topic_filter] = subscription
            group, _ = split_share(subscription.topic_filter)
            if group is not None:
                members = self._shares.setdefault(subscription.topic_filter, deque())
                if session.client_id not in members:
                    members.append(session.client_id)
        if token is not None:
            connection.emit(Confirmed(token, max(each.qos for each in subscriptions)))
        for subscription in subscriptions:
            group, _ = split_share(subscription.topic_filter)
            if subscription.send_retained and (group is None or self._quirks.retained_to_shares):
                self._send_retained(session, subscription)

    def unsubscribe(
        self, connection: Connection, topic_filters: list[str], token: int | None
    ) -> None:
        """What is in the session already stays there, also what a share brought."""
        session = self._sessions[connection.options.client_id]
        reason = 0
        for topic_filter in topic_filters:
            if session.subscriptions.pop(topic_filter, None) is None:
                reason = _NO_SUBSCRIPTION_EXISTED
            self._leave_share(topic_filter, session.client_id)
        if token is not None:
            connection.emit(Confirmed(token, reason))

    def acknowledge(self, connection: Connection, ack_id: int) -> None:
        session = self._sessions[connection.options.client_id]
        if session.acknowledge(ack_id):
            leaked = session.in_flight if self._quirks.leaking_window else 0
            self._send(session, more=leaked)

    # --- what clients do not send ---------------------------------------------------------------

    def fell_silent(self, connection: Connection) -> None:
        """An open connection sends nothing from now on, not even pings."""
        self._silent_since_s.setdefault(connection.options.client_id, self._now_s)

    def spoke(self, connection: Connection) -> None:
        """It sends again."""
        if self.is_open(connection):
            self._silent_since_s.pop(connection.options.client_id, None)

    # --- what happens to the broker -----------------------------------------------------------

    def advance(self, now_s: float) -> None:
        """Set the time; end the sessions that have expired and the connections that are silent."""
        if now_s < self._now_s:
            raise ValueError(f"time goes forward: {now_s} s is before {self._now_s} s")
        self._now_s = now_s
        if now_s >= self._scanned_at_s + self._quirks.keepalive_scan_s:
            self._scanned_at_s = now_s
            self._end_silent_connections()
        for session in list(self._sessions.values()):
            if session.ends_at_s is not None and session.ends_at_s <= now_s:
                self._forget(session.client_id)

    def stop(self) -> None:
        """End all connections in good order: every will is published, as Mosquitto does it."""
        connections = list(self._connections.values())
        for connection in connections:
            if connection.options.will is not None:
                self._route(connection.options.will)
        self._end_all()
        self._load(self.saved())

    def crash(self, saved: Saved) -> None:
        """End all connections abruptly, and go back to what was saved at some time before."""
        self._end_all()
        self._load(saved)

    def saved(self) -> Saved:
        """What a broker writes to its disk now."""
        sessions = []
        for session in self._sessions.values():
            kept = session.expiry_s > 0
            if kept and not (session.clean_start and self._quirks.restart_forgets_clean_starts):
                copy = session.copy()
                copy.rewind()
                sessions.append(copy)
        names = {session.client_id for session in sessions}
        shares = (
            (topic_filter, tuple(name for name in members if name in names))
            for topic_filter, members in self._shares.items()
        )
        return Saved(
            tuple(sessions),
            tuple(self._retained.values()),
            tuple((topic_filter, members) for topic_filter, members in shares if members),
        )

    def _load(self, saved: Saved) -> None:
        self._sessions = {session.client_id: session.copy() for session in saved.sessions}
        for session in self._sessions.values():
            session.ends_at_s = self._now_s + session.expiry_s
        self._retained = {envelope.message.topic: envelope for envelope in saved.retained}
        self._shares = {topic_filter: deque(members) for topic_filter, members in saved.shares}

    def _end_all(self) -> None:
        for connection in list(self._connections.values()):
            self.disconnect(connection, CloseReason.LOST, fires_will=False)

    def _end_silent_connections(self) -> None:
        for client_id, since_s in list(self._silent_since_s.items()):
            connection = self._connections[client_id]
            keepalive_s = connection.options.keepalive_s
            if keepalive_s and self._now_s - since_s >= _KEEPALIVES_TO_DIE * keepalive_s:
                self.disconnect(connection, CloseReason.LOST, fires_will=True)

    # --- what can be asked --------------------------------------------------------------------

    def is_open(self, connection: Connection) -> bool:
        return self._connections.get(connection.options.client_id) is connection

    def connection(self, client_id: str) -> Connection | None:
        return self._connections.get(client_id)

    def session(self, client_id: str) -> Session | None:
        return self._sessions.get(client_id)

    def retained(self, topic: str) -> Message | None:
        envelope = self._retained.get(topic)
        if envelope is None or envelope.expired(self._now_s):
            return None
        return envelope.opened(self._now_s)

    # --- routing ------------------------------------------------------------------------------

    def _route(self, message: Message, *, publisher: str | None = None) -> int:
        """Store if retained, and give to all whose subscriptions match; the reason code.

        publisher: the client that sent it; None for a will, which is the broker's to send.
        """
        expires_at_s = None if message.expiry_s is None else self._now_s + message.expiry_s
        envelope = Envelope(message, expires_at_s)
        if message.retain:
            self._retained.pop(message.topic, None)
            if message.payload:
                self._retained[message.topic] = envelope
        targets = self._plain_targets(message.topic) + self._shared_targets(message.topic)
        for session, subscription in targets:
            if subscription.no_local and session.client_id == publisher:
                continue
            retain = message.retain and subscription.retain_as_published
            self._give(session, subscription, envelope, retain=retain)
        return 0 if targets else REASON_NO_MATCHING_SUBSCRIBERS

    def _plain_targets(self, topic: str) -> list[tuple[Session, Subscription]]:
        """One entry for each subscription: with overlapping ones a client gets several copies."""
        return [
            (session, subscription)
            for session in self._sessions.values()
            for topic_filter, subscription in session.subscriptions.items()
            if topic_filter not in self._shares and _matches(topic_filter, topic)
        ]

    def _shared_targets(self, topic: str) -> list[tuple[Session, Subscription]]:
        """One entry for each share: its members in turn, whether they are connected or not."""
        targets = []
        for topic_filter, members in self._shares.items():
            if _matches(split_share(topic_filter)[1], topic):
                session = self._sessions[members[0]]
                targets.append((session, session.subscriptions[topic_filter]))
                members.rotate(-1)
        return targets

    def _send_retained(self, session: Session, subscription: Subscription) -> None:
        _, topic_filter = split_share(subscription.topic_filter)
        for topic, envelope in self._retained.items():
            if _matches(topic_filter, topic) and not envelope.expired(self._now_s):
                self._give(session, subscription, envelope, retain=True)

    def _give(
        self, session: Session, subscription: Subscription, envelope: Envelope, *, retain: bool
    ) -> None:
        """Hand one copy to a session. QoS 0 is now or never, and passes what waits."""
        qos = min(envelope.message.qos, subscription.qos)
        ids = () if subscription.identifier is None else (subscription.identifier,)
        message = envelope.message
        if (message.qos, message.retain) != (qos, retain):
            message = replace(message, qos=qos, retain=retain)
        if qos:
            if self._most_waiting is not None and session.waiting >= self._most_waiting:
                self.dropped += 1
                return
            session.push(replace(envelope, message=message, subscription_ids=ids))
            self._send(session)
        elif connection := self._connections.get(session.client_id):
            connection.emit(Delivered(message, subscription_ids=ids))

    def _send(self, session: Session, *, more: int = 0) -> None:
        """Send what the client's window allows, and so many more, if it is connected."""
        connection = self._connections.get(session.client_id)
        if connection is None:
            return
        window = connection.options.receive_maximum + more
        for delivered in session.send(window=window, now_s=self._now_s):
            connection.emit(delivered)

    def _forget(self, client_id: str) -> None:
        session = self._sessions.pop(client_id, None)
        for topic_filter in session.subscriptions if session else ():
            self._leave_share(topic_filter, client_id)

    def _leave_share(self, topic_filter: str, client_id: str) -> None:
        members = self._shares.get(topic_filter)
        if members is not None and client_id in members:
            members.remove(client_id)
            if not members:
                del self._shares[topic_filter]
