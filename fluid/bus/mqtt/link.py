"""One MQTT connection: who may touch paho's client, and when it ends.

A link is one paho client, one connection and one thread. That thread connects, reads, writes and
keeps alive, and it alone touches the client; the link's methods only post it commands. So no
answer can overtake the call that asked for it, paho's own locks are never contended, and the one
place where the thread ends is the one place that says `Closed`.

paho connects, subscribes, keeps alive and says goodbye. Its own network loop is not used, because
it can end without saying so; nor does it move the messages (see `packet_stream`), because it sends
more than the broker's Receive Maximum, and reuses packet identifiers that are still in use when a
caller runs far ahead. Nor does it reconnect: whoever wants another link opens another.
"""

import logging
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from fluid.bus.mqtt import endings, message_packets, packets, sockets
from fluid.bus.mqtt.address import BrokerAddress
from fluid.bus.mqtt.command_queue import Command, CommandQueue
from fluid.bus.mqtt.flow_control import FlowControl, Publication
from fluid.bus.mqtt.message_packets import Acknowledged, PacketError
from fluid.bus.mqtt.network_loop import NetworkLoop
from fluid.bus.mqtt.packet_stream import PacketStream
from fluid.bus.mqtt.packets import StreamClient
from fluid.bus.protocol import (
    REASON_PACKET_TOO_LARGE,
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
from fluid.bus.rules import check_filters, check_message

_log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 2.0  # for the last confirmations


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
        self._commands = CommandQueue(options.backlog_bytes)  # shared with the callers' threads
        # The link's thread alone.
        self._loop = NetworkLoop(self._commands, keepalive_s=options.keepalive_s)
        self._flow = FlowControl()
        self._opened = False
        self._ending: Closed | None = None
        self._failure: OSError | None = None  # of the socket, where paho swallowed it
        self._goodbye: Command | None = None
        self._answers: dict[int, _Answer] = {}  # packet identifier -> its call

    # --- called from any thread -------------------------------------------------------------

    def start(self) -> None:
        # The thread alone holds the client: what is the client's ends with the thread.
        threading.Thread(
            target=self._run,
            args=(self._new_client(),),
            name=f"mqtt {self._options.shown_id}",
            daemon=True,
        ).start()

    def publish(self, message: Message, *, token: int | None = None) -> None:
        check_message(message)
        outgoing = message_packets.encode(message)
        size_bytes = outgoing.size_bytes

        def command(client: StreamClient) -> None:
            if size_bytes > self._flow.max_packet_bytes:
                self._refuse_large(message, token, size_bytes)
            elif message.qos == 0:
                self._send(client, outgoing.packet(0))
            else:
                self._flow.hold(Publication(outgoing, token))
                self._send_held(client)

        self._commands.post(
            command,
            size_bytes=size_bytes,
            may_be_dropped=message.qos == 0,
            stays=message.qos > 0,
        )

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
        def command(client: StreamClient) -> None:
            self._send(client, message_packets.acknowledgement(ack_id))

        if ack_id:
            self._commands.post(command)

    def close(self, *, end_session: bool = False, send_will: bool = False) -> None:
        goodbye = packets.disconnect_command(end_session=end_session, send_will=send_will)

        def command(client: StreamClient) -> None:
            self._loop.deadline_s = time.monotonic() + CLOSE_TIMEOUT_S
            self._goodbye = goodbye
            self._send_held(client)

        self._commands.post(command, last=True)

    def together(self) -> AbstractContextManager[None]:
        return self._commands.together()

    def _post_awaiting(
        self, answer: _Answer, send: Callable[[Client], tuple[object, int | None]]
    ) -> None:
        def command(client: StreamClient) -> None:
            _, packet_id = send(client)
            if packet_id is not None:  # else the connection has just gone
                self._answers[packet_id] = answer

        self._commands.post(command)

    # --- the link's thread ------------------------------------------------------------------

    def _run(self, client: StreamClient) -> None:
        try:
            ending = self._connect(client) or self._serve(client)
        except Exception as error:  # noqa: BLE001 - whatever paho raises, `Closed` says so
            _log.exception("the thread of link %s failed", self._options.shown_id)
            ending = Closed(CloseReason.LOST, f"the thread of the link failed: {error!r}")
        if self._commands.dropped:
            _log.warning(
                "%d messages at QoS 0 were dropped: %s was too slow",
                self._commands.dropped,
                self._address,
            )
        if self._commands.end():
            ending = Closed(CloseReason.REQUESTED)
        self._sink(ending)

    def _connect(self, client: StreamClient) -> Closed | None:
        """Resolve the name, connect and send CONNECT; the end of it, or None if all is well."""
        try:
            client.connect(
                self._address.host,
                self._address.port,
                keepalive=self._options.keepalive_s,
                clean_start=self._options.clean_start,
                properties=packets.connect_properties(self._options),
            )
        except OSError as error:
            return endings.not_connected(self._address, error)
        return None

    def _serve(self, client: StreamClient) -> Closed:
        """Move bytes until the connection is over; how it ended."""
        stream = client.stream()
        self._loop.deadline_s = time.monotonic() + self._options.connect_timeout_s
        if stream is None:
            return endings.broken(self._address, was_open=False)
        sockets.send_at_once(stream.connection)
        sockets.bound_silence(stream.connection, self._options.silence_s)
        with stream.connection:
            try:
                why = self._loop.run(client, stream, read=self._read)
            except PacketError as error:
                return endings.no_mqtt(self._address, error, was_open=self._opened)
            if why:
                # Without a goodbye: the will is due.
                return Closed(CloseReason.LOST, f"{self._address} {why}")
            self._say_goodbye(client)  # if not everything was confirmed in time
        return self._ending or endings.broken(
            self._address, was_open=self._opened, failure=self._failure
        )

    def _read(self, client: StreamClient) -> None:
        """Take in what has come, in its order."""
        stream = client.stream()
        if stream is None:
            return
        confirmed: list[Publication] = []
        for packet in stream.read():
            if packet is None:
                client.loop_read()
            elif not self._opened:
                raise PacketError("a message before the connection was accepted")
            elif isinstance(packet, Delivered):
                self._delivered(client, packet)
            elif publication := self._confirmed(packet):
                confirmed.append(publication)
        if confirmed:
            size_bytes = sum(each.outgoing.size_bytes for each in confirmed)
            self._commands.leave_backlog(size_bytes, calls=len(confirmed))
        if stream.has_ended:
            client.loop_read()  # paho finds out, and closes it
        client.has_read()
        self._send_held(client)

    def _delivered(self, client: StreamClient, delivered: Delivered) -> None:
        self._sink(delivered)
        if delivered.ack_id and not self._options.manual_ack:
            self._send(client, message_packets.acknowledgement(delivered.ack_id))

    def _confirmed(self, packet: Acknowledged) -> Publication | None:
        """The broker has one of our messages, or refuses it."""
        publication = self._flow.confirmed(packet.packet_id)
        if publication is not None and publication.token is not None:
            self._sink(Confirmed(publication.token, packet.reason))
        return publication

    def _send(self, client: StreamClient, packet: bytes) -> None:
        """It goes out at the end of the loop's turn; on a connection that is over, not at all."""
        if stream := client.stream():
            stream.send(packet)

    def _send_held(self, client: StreamClient) -> None:
        """Send what the broker takes now, and once all is confirmed, the goodbye."""
        if stream := client.stream():
            self._flow.send_held(stream.send)
        if self._flow.all_confirmed:
            self._say_goodbye(client)

    def _refuse_large(self, message: Message, token: int | None, size_bytes: int) -> None:
        """The broker would end the connection over it, and over each attempt to send it again."""
        if message.qos:
            self._commands.leave_backlog(size_bytes)
        if message.qos and token is not None:
            self._sink(Confirmed(token, REASON_PACKET_TOO_LARGE))
        else:
            _log.warning(
                "a message of %d bytes to %s is dropped: %s takes packets of at most %d bytes",
                len(message.payload),
                message.topic,
                self._address,
                self._flow.max_packet_bytes,
            )

    def _say_goodbye(self, client: StreamClient) -> None:
        if self._goodbye is not None:
            self._goodbye(client)
            self._goodbye = None

    # --- paho's callbacks, in the link's thread: they translate, and no more ------------------

    def _new_client(self) -> StreamClient:
        client = packets.new_client(self._address, self._tls, self._options)
        client.connect_timeout = self._options.connect_timeout_s
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_socket_close = self._on_socket_close
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
            self._ending = endings.refused(self._address, self._options.shown_id, reason)
            return
        self._opened = True
        self._loop.deadline_s = None
        self._flow.learn(properties)
        self._sink(Opened(session_present=flags.session_present))

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: object,
        flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            self._ending = endings.disconnected(self._address, self._options.shown_id, reason)

    def _on_socket_close(self, _client: Client, _userdata: object, stream: object) -> None:
        """Of a connection that paho is about to close; after our goodbye, the broker is first."""
        if isinstance(stream, PacketStream):
            self._failure = stream.failure
            if self._commands.closing:
                sockets.part(stream, CLOSE_TIMEOUT_S)

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
