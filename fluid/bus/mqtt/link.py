"""One MQTT connection: who may touch paho's client, and when it ends.

A link is one paho client, one connection and one thread. That thread connects, reads, writes and
keeps alive, and it alone touches the client; the link's methods only post it commands. So no
answer can overtake the call that asked for it, paho's own locks are never contended, and the one
place where the thread ends is the one place that says `Closed`.

paho's own network loop is not used, because it can end without saying so, sends more than the
broker's Receive Maximum, and reuses packet identifiers that are still in use when a caller runs
far ahead. Nor does it reconnect: whoever wants another link opens another.
"""

import logging
import math
import selectors
import socket
import ssl
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from fluid.bus.mqtt import packets
from fluid.bus.mqtt.address import BrokerAddress
from fluid.bus.mqtt.backlog import Backlog
from fluid.bus.protocol import (
    REASON_PACKET_TOO_LARGE,
    Closed,
    CloseReason,
    Confirmed,
    LinkOptions,
    Message,
    Opened,
    Sink,
    Subscription,
)
from fluid.bus.rules import check_filters, check_message

_log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 2.0  # for the last confirmations
_READ_OUT_BYTES = 1 << 16
_TCP_PROBE_S = 1
_TICK_S = 1.0  # how often keepalive is looked at when nothing else happens

_SESSION_TAKEN_OVER = 0x8E
# CONNACK reasons that pass by themselves: server unavailable, busy, quota exceeded, connection
# rate exceeded. All other refusals need somebody to change something.
_PASSING_REFUSALS = frozenset({0x88, 0x89, 0x97, 0x9F})
# What may be unconfirmed at a time if the broker allows more: far from the 65535 identifiers.
_MAX_SEND_WINDOW = 1000
# Then what has arrived is read. A caller's thread in a tight loop posts commands faster than they
# can be sent, because each write to the socket gives the interpreter lock away to it.
_COMMANDS_A_TURN = 100

_Command = Callable[[Client], object]


@dataclass(frozen=True, slots=True)
class _Held:
    """A publication at QoS 1, until it is confirmed."""

    message: Message
    properties: Properties
    token: int | None
    size_bytes: int


@dataclass(slots=True)
class _Answer:
    """What is still to come for the SUBSCRIBE or UNSUBSCRIBE packets of one call."""

    token: int | None
    packets_left: int
    worst_reason: int = 0


class MqttLink:
    """One connection; the module docstring says who may touch what."""

    def __init__(
        self,
        address: BrokerAddress,
        tls: ssl.SSLContext | None,
        options: LinkOptions,
        sink: Sink,
    ) -> None:
        self._address = address
        self._tls = tls
        self._options = options
        self._sink = sink
        # Shared with the callers' threads, under the lock.
        self._lock = threading.Lock()
        self._backlog = Backlog(options.backlog_bytes)
        self._commands: deque[_Command] = deque()
        self._bell_rope, self._bell = socket.socketpair()
        self._closing = False
        self._ended = False
        # The link's thread alone.
        self._opened = False
        self._ending: Closed | None = None
        self._deadline_s: float | None = None
        self._send_window = _MAX_SEND_WINDOW
        self._max_packet_bytes: float = math.inf
        self._held: deque[_Held] = deque()
        self._goodbye: _Command | None = None
        self._called = False  # commands may wait
        self._unconfirmed: dict[int, _Held] = {}  # by packet identifier
        self._answers: dict[int, _Answer] = {}  # packet identifier -> its call

    # --- called from any thread -------------------------------------------------------------

    def start(self) -> None:
        # The thread alone holds the client: what is the client's ends with the thread.
        threading.Thread(
            target=self._run,
            args=(self._new_client(),),
            name=f"mqtt {self._options.client_id}",
            daemon=True,
        ).start()

    def publish(self, message: Message, *, token: int | None = None) -> None:
        check_message(message)
        properties = packets.message_properties(PacketTypes.PUBLISH, message)
        size_bytes = packets.publish_size_bytes(message, properties)

        def command(client: Client) -> None:
            if size_bytes > self._max_packet_bytes:
                self._refuse_large(message, token)
            elif message.qos == 0:
                packets.publish(client, message, properties)
            else:
                self._held.append(_Held(message, properties, token, size_bytes))
                self._send_held(client)
                return  # it stays in the backlog until it is confirmed
            self._leave_backlog(size_bytes)

        self._post(command, size_bytes=size_bytes, may_be_dropped=message.qos == 0)

    def subscribe(self, subscriptions: list[Subscription], *, token: int | None = None) -> None:
        check_filters([each.topic_filter for each in subscriptions])
        # All that is in one SUBSCRIBE packet has the same identifier.
        groups = [list(group) for _, group in groupby(subscriptions, lambda s: s.identifier)]
        answer = _Answer(token, packets_left=len(groups))
        for group in groups:
            self._post_awaiting(answer, packets.subscribe_command(group))

    def unsubscribe(self, topic_filters: list[str], *, token: int | None = None) -> None:
        check_filters(topic_filters)
        answer = _Answer(token, packets_left=1)
        self._post_awaiting(answer, partial(Client.unsubscribe, topic=list(topic_filters)))

    def ack(self, ack_id: int) -> None:
        def command(client: Client) -> None:
            client.ack(ack_id, qos=1)
            self._leave_backlog()

        if ack_id:
            self._post(command)

    def close(self, *, end_session: bool = False, send_will: bool = False) -> None:
        goodbye = packets.disconnect_command(end_session=end_session, send_will=send_will)

        def command(client: Client) -> None:
            self._deadline_s = time.monotonic() + CLOSE_TIMEOUT_S
            self._goodbye = goodbye
            self._send_held(client)

        self._post(command, last=True)

    def _post_awaiting(
        self, answer: _Answer, send: Callable[[Client], tuple[object, int | None]]
    ) -> None:
        def command(client: Client) -> None:
            _, packet_id = send(client)
            if packet_id is not None:  # else the connection has just gone
                self._answers[packet_id] = answer
            self._leave_backlog()

        self._post(command)

    def _post(
        self,
        command: _Command,
        *,
        size_bytes: int = 0,
        may_be_dropped: bool = False,
        last: bool = False,
    ) -> None:
        with self._lock:
            if self._closing or self._ended or self._backlog.overrun():
                return  # dropped, as the protocol has it; `Closed` says so
            if not last and not self._backlog.admit(size_bytes, may_be_dropped=may_be_dropped):
                if self._backlog.overrun():
                    self._bell_rope.send(b"\0")  # the link's thread sees it, and ends
                return  # else it is dropped alone, and counted
            self._closing = last
            self._commands.append(command)
            if last or len(self._commands) == 1:
                self._bell_rope.send(b"\0")

    def _leave_backlog(self, size_bytes: int = 0) -> None:
        with self._lock:
            self._backlog.leave(size_bytes)

    # --- the link's thread ------------------------------------------------------------------

    def _run(self, client: Client) -> None:
        try:
            ending = self._connect(client) or self._serve(client)
        except Exception as error:  # noqa: BLE001 - whatever paho raises, `Closed` says so
            _log.exception("the thread of link %s failed", self._options.client_id)
            ending = Closed(CloseReason.LOST, f"the thread of the link failed: {error!r}")
        if self._backlog.dropped:
            _log.warning(
                "%d messages at QoS 0 were dropped: %s was too slow",
                self._backlog.dropped,
                self._address,
            )
        with self._lock:
            self._ended = True
            self._commands.clear()
            self._bell_rope.close()
            self._bell.close()
            if self._closing:
                ending = Closed(CloseReason.REQUESTED)
        self._sink(ending)

    def _connect(self, client: Client) -> Closed | None:
        """Resolve the name, connect and send CONNECT; the end of it, or None if all is well."""
        try:
            client.connect(
                self._address.host,
                self._address.port,
                keepalive=self._options.keepalive_s,
                clean_start=self._options.clean_start,
                properties=packets.connect_properties(self._options),
            )
        except socket.gaierror as error:
            detail = f"no such host: {self._address.host} ({error.strerror})"
            return Closed(CloseReason.NOT_FOUND, detail)
        except ssl.SSLCertVerificationError as error:
            detail = f"{self._address} has an untrusted certificate: {error.verify_message}"
            return Closed(CloseReason.REFUSED, detail)
        except OSError as error:
            detail = f"cannot connect to {self._address}: {error.strerror or error}"
            return Closed(CloseReason.UNREACHABLE, detail)
        return None

    def _serve(self, client: Client) -> Closed:
        """Move bytes until the connection is over; how it ended."""
        connection = client.socket()
        self._deadline_s = time.monotonic() + self._options.connect_timeout_s
        if isinstance(connection, socket.socket):  # else it broke while CONNECT was being sent
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._bound_silence(connection)
            with connection, selectors.DefaultSelector() as selector:
                selector.register(connection, selectors.EVENT_READ)
                selector.register(self._bell, selectors.EVENT_READ)
                while client.socket() is not None and not self._overdue():
                    if why := self._backlog.overrun():  # without a goodbye: the will is due
                        return Closed(CloseReason.LOST, f"{self._address} {why}")
                    self._turn(client, connection, selector)
                self._say_goodbye(client)  # if not everything was confirmed in time
        if self._ending is not None:
            return self._ending
        if self._opened:
            return Closed(CloseReason.LOST, f"the connection to {self._address} broke")
        return Closed(CloseReason.UNREACHABLE, f"{self._address} does not answer as a broker")

    def _bound_silence(self, connection: socket.socket) -> None:
        """Have the system end the connection to a host that acknowledges nothing, not even the
        probes that it sends each second while there is nothing else to send.

        Unlike a short keepalive, that never ends one on which a large message is still moving.
        Where the system knows no such bound (other than Linux), keepalive has to do.
        """
        if self._options.silence_s is not None and sys.platform == "linux":
            silence_ms = int(1000 * self._options.silence_s)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, silence_ms)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _TCP_PROBE_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _TCP_PROBE_S)

    def _read_out(self, _client: Client, _userdata: object, connection: object) -> None:
        """After our DISCONNECT, let the broker close first.

        A socket closed with unread bytes is reset, and what the broker had not read yet is lost:
        acknowledgements, or the DISCONNECT itself, so that it would publish the will.
        """
        if self._closing and isinstance(connection, socket.socket):
            with suppress(OSError):  # reset, silent or closed: nothing is left to do
                connection.settimeout(CLOSE_TIMEOUT_S)
                while connection.recv(_READ_OUT_BYTES):
                    pass

    def _overdue(self) -> bool:
        return self._deadline_s is not None and time.monotonic() > self._deadline_s

    def _turn(
        self, client: Client, connection: socket.socket, selector: selectors.BaseSelector
    ) -> None:
        """Wait for something to do, and do it."""
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.want_write() else 0)
        if selector.get_key(connection).events != wanted:
            selector.modify(connection, wanted)
        # What TLS has decrypted already is not seen by the selector.
        buffered = isinstance(connection, ssl.SSLSocket) and connection.pending() > 0
        for key, events in selector.select(0 if buffered else self._tick_s()):
            if key.fileobj is self._bell:
                self._bell.recv(64)
                self._called = True
            elif events & selectors.EVENT_WRITE:
                client.loop_write()
            buffered |= key.fileobj is connection and bool(events & selectors.EVENT_READ)
        # While the socket takes no more, commands wait in the backlog, which has a bound, and not
        # in paho, which has none.
        if self._called and (self._closing or not client.want_write()):
            self._called = False
            self._run_commands(client)
        if buffered:
            client.loop_read()
            self._send_held(client)
        client.loop_misc()  # keepalive

    def _tick_s(self) -> float:
        """Often enough that keepalive is never late by much."""
        keepalive_s = self._options.keepalive_s
        return min(_TICK_S, keepalive_s / 4) if keepalive_s else _TICK_S

    def _run_commands(self, client: Client) -> None:
        with self._lock:
            count = min(len(self._commands), _COMMANDS_A_TURN)
            commands = [self._commands.popleft() for _ in range(count)]
            if self._commands:
                self._bell_rope.send(b"\0")
        for command in commands:
            command(client)

    def _send_held(self, client: Client) -> None:
        """Send what the broker's Receive Maximum allows, and once all is confirmed, the goodbye.

        paho does not know that maximum. Holding messages back here also means that a packet
        identifier is taken only when it is needed, so never twice at a time.
        """
        while self._held and len(self._unconfirmed) < self._send_window:
            held = self._held.popleft()
            packet_id = packets.publish(client, held.message, held.properties)
            self._unconfirmed[packet_id] = held
        if not self._unconfirmed:
            self._say_goodbye(client)

    def _refuse_large(self, message: Message, token: int | None) -> None:
        """The broker would end the connection over it, and over each attempt to send it again."""
        if message.qos and token is not None:
            self._sink(Confirmed(token, REASON_PACKET_TOO_LARGE))
        else:
            _log.warning(
                "a message of %d bytes to %s is dropped: %s takes packets of at most %d bytes",
                len(message.payload),
                message.topic,
                self._address,
                self._max_packet_bytes,
            )

    def _say_goodbye(self, client: Client) -> None:
        if self._goodbye is not None:
            self._goodbye(client)
            self._goodbye = None

    # --- paho's callbacks, in the link's thread: they translate, and no more ------------------

    def _new_client(self) -> Client:
        client = packets.new_client(self._address, self._tls, self._options)
        client.connect_timeout = self._options.connect_timeout_s
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_socket_close = self._read_out
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_answer
        client.on_unsubscribe = self._on_answer
        return client

    def _on_connect(
        self,
        _client: Client,
        _userdata: object,
        flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            passes = reason.value in _PASSING_REFUSALS
            self._ending = Closed(
                CloseReason.UNREACHABLE if passes else CloseReason.REFUSED,
                f"{self._address} refused client {self._options.client_id!r}: {reason}",
            )
            return
        self._opened = True
        self._deadline_s = None
        receive_maximum = getattr(properties, "ReceiveMaximum", _MAX_SEND_WINDOW)
        self._send_window = min(receive_maximum, _MAX_SEND_WINDOW)
        self._max_packet_bytes = getattr(properties, "MaximumPacketSize", math.inf)
        self._sink(Opened(session_present=flags.session_present))

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: object,
        flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if not flags.is_disconnect_packet_from_server:
            return
        taken_over = reason.value == _SESSION_TAKEN_OVER
        self._ending = Closed(
            CloseReason.TAKEN_OVER if taken_over else CloseReason.LOST,
            f"{self._address} disconnected client {self._options.client_id!r}: {reason}",
        )

    def _on_message(self, _client: Client, _userdata: object, packet: MQTTMessage) -> None:
        self._sink(packets.delivered(packet))

    def _on_publish(
        self,
        _client: Client,
        _userdata: object,
        packet_id: int,
        reason: ReasonCode,
        _properties: Properties,
    ) -> None:
        # paho calls this for QoS 0 as well, with an identifier of no meaning.
        held = self._unconfirmed.pop(packet_id, None)
        if held is None:
            return
        self._leave_backlog(held.size_bytes)
        if held.token is not None:
            self._sink(Confirmed(held.token, reason.value))

    def _on_answer(
        self,
        _client: Client,
        _userdata: object,
        packet_id: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        answer = self._answers.pop(packet_id)
        answer.packets_left -= 1
        answer.worst_reason = max(answer.worst_reason, *(reason.value for reason in reasons))
        if answer.packets_left == 0 and answer.token is not None:
            self._sink(Confirmed(answer.token, answer.worst_reason))
