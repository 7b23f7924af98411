"""One connection with given credentials, and what the broker lets it do.

Speaks through paho directly, so that what the broker refuses is not hidden by our own bus.
"""

import queue
import socket
import ssl
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

_TIMEOUT_S = 20.0  # only to end a failing test


class Refused(Exception):
    """The broker took no connection. The message says how it said so."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """How somebody connects. ca: what the broker's certificate is checked against; None: no TLS.
    greatest_tls: speak no later version, and also those that OpenSSL would not offer by itself.
    """

    port: int
    ca: Path | None
    host: str = "127.0.0.1"
    certificate: Path | None = None
    key: Path | None = None
    user: str | None = None
    password: str | None = None
    greatest_tls: ssl.TLSVersion | None = None
    websockets: bool = False

    def tls(self) -> ssl.SSLContext | None:
        if self.ca is None:
            return None
        context = ssl.create_default_context(cafile=str(self.ca))
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key)
        if self.greatest_tls is not None:
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
                context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
                context.maximum_version = self.greatest_tls
        return context


class Session:
    """A connection: `with Session(credentials) as session`. Raises `Refused` if there is none."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        client_id: str = "",
        expiry_s: int = 0,
        will: tuple[str, bytes] | None = None,
        version: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv5,
    ) -> None:
        """expiry_s: 0 for a session that begins anew and ends with its connection."""
        self._credentials = credentials
        self._expiry_s = expiry_s
        self._is_v5 = version is MQTTProtocolVersion.MQTTv5
        self._opened: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._confirmed: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._messages: queue.SimpleQueue[MQTTMessage] = queue.SimpleQueue()
        self._gone = threading.Event()
        self.session_present = False
        clean = None if self._is_v5 else True
        self._client = client = Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=clean,
            protocol=version,
            transport="websockets" if credentials.websockets else "tcp",
            reconnect_on_failure=False,
        )
        client.username_pw_set(credentials.user, credentials.password)
        self._tls = credentials.tls()
        if self._tls is not None:
            client.tls_set_context(self._tls)
        if will is not None:
            client.will_set(*will, qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = lambda _client, _data, message: self._messages.put(message)
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe

    def __enter__(self) -> Self:
        properties = None
        if self._is_v5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's
            properties.SessionExpiryInterval = self._expiry_s
        where = self._credentials
        try:
            self._try_handshake()
            self._client.connect(
                where.host,
                where.port,
                keepalive=60,
                clean_start=not self._expiry_s if self._is_v5 else 3,
                properties=properties,
            )
        except OSError as error:  # TLS errors are of this kind
            raise Refused(str(error)) from error
        self._client.loop_start()
        if why := self._opened.get(timeout=_TIMEOUT_S):
            self._client.loop_stop()
            raise Refused(why)
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes = b"x", *, retain: bool = False) -> int:
        """Publish at QoS 1; the reason code of the broker's answer."""
        self._client.publish(topic, payload, qos=1, retain=retain)
        return self._confirmed.get(timeout=_TIMEOUT_S)

    def send(self, topic: str, payload: bytes) -> None:
        """Publish at QoS 1 what the broker is not going to confirm."""
        self._client.publish(topic, payload, qos=1)

    def subscribe(self, *topic_filters: str) -> int:
        """Subscribe at QoS 1; the worst reason code of the broker's answer."""
        self._client.subscribe([(each, 1) for each in topic_filters])
        return self._confirmed.get(timeout=_TIMEOUT_S)

    def unsubscribe(self, topic_filter: str) -> None:
        self._client.unsubscribe(topic_filter)

    def next_message(self) -> tuple[str, bytes]:
        message = self._messages.get(timeout=_TIMEOUT_S)
        return message.topic, bytes(message.payload)

    def messages_until(self, topic: str) -> list[tuple[str, bytes]]:
        """What comes before the first message on `topic`, which has to be subscribed to."""
        messages: list[tuple[str, bytes]] = []
        while (message := self.next_message())[0] != topic:
            messages.append(message)
        return messages

    def wait_until_gone(self) -> bool:
        """Whether the broker ends the connection."""
        return self._gone.wait(_TIMEOUT_S)

    def break_off(self) -> None:
        """End the connection without a word, as a device without power does."""
        if (connection := self._client.socket()) is not None:
            connection.close()
        self._gone.wait(_TIMEOUT_S)

    def _try_handshake(self) -> None:
        """paho leaves the socket of a handshake that failed open, so one goes ahead."""
        if self._tls is not None:
            where = self._credentials
            with (
                socket.create_connection((where.host, where.port), _TIMEOUT_S) as connection,
                self._tls.wrap_socket(connection, server_hostname=where.host),
            ):
                pass

    def _on_connect(
        self,
        _client: Client,
        _data: object,
        flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self.session_present = flags.session_present
        self._opened.put(f"the broker refused: {reason}" if reason.is_failure else "")

    def _on_disconnect(
        self,
        _client: Client,
        _data: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._gone.set()
        self._opened.put(f"the connection ended: {reason}")

    def _on_publish(
        self,
        _client: Client,
        _data: object,
        _packet_id: int,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._confirmed.put(reason.value)

    def _on_subscribe(
        self,
        _client: Client,
        _data: object,
        _packet_id: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        self._confirmed.put(max(reason.value for reason in reasons))
