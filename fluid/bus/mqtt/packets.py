"""paho's client as the link uses it: for all of MQTT but the messages themselves.

Translation between Fluid's values and paho's, and no state of its own.
"""

import ssl
import time
from collections.abc import Callable, Sequence

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from fluid.bus.mqtt.address import BrokerAddress
from fluid.bus.mqtt.packet_stream import PacketStream
from fluid.bus.protocol import LinkOptions, Message, Subscription

_DISCONNECT_WITH_WILL = 0x04


class StreamClient(Client):
    """A paho client whose socket is a `PacketStream`.

    It relies on names that paho does not promise to keep; the tests fail without them.
    """

    def _create_socket(self) -> PacketStream:  # type: ignore[override]  # all that paho calls
        return PacketStream(super()._create_socket())  # type: ignore[arg-type]  # a real one

    def stream(self) -> PacketStream | None:
        """The connection; None once it is over."""
        stream = self.socket()
        return stream if isinstance(stream, PacketStream) else None

    def has_read(self) -> None:
        """Something has come past paho, which is a sign of life of the broker: as good as the
        answer to a PINGREQ, which may be waiting behind a large message."""
        self._last_bytes_received = self._last_msg_in = time.monotonic()  # since 2.2, and in 2.1
        self._ping_t = 0.0

    def has_made_room(self) -> None:
        """The broker took some of what filled the connection: it lives, although its answer to a
        PINGREQ has to wait until all that was written before has arrived."""
        self.has_read()

    def has_written(self) -> None:
        """Something went out past paho, which is a sign of life of ours."""
        self._last_msg_out = time.monotonic()


def new_client(
    address: BrokerAddress, tls: ssl.SSLContext | None, options: LinkOptions
) -> StreamClient:
    """A paho client for one connection, without callbacks."""
    client = StreamClient(
        CallbackAPIVersion.VERSION2,
        options.client_id,
        protocol=MQTTProtocolVersion.MQTTv5,
        reconnect_on_failure=False,
        manual_ack=options.manual_ack,
    )
    if address.username is not None:
        client.username_pw_set(address.username, address.password)
    if tls is not None:
        client.tls_set_context(tls)
    if options.will is not None:
        will = options.will
        client.will_set(will.topic, will.payload, will.qos, will.retain, will_properties(will))
    return client


def connect_properties(options: LinkOptions) -> Properties:
    properties = _properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = options.session_expiry_s
    properties.ReceiveMaximum = options.receive_maximum
    return properties


def will_properties(will: Message) -> Properties:
    properties = _properties(PacketTypes.WILLMESSAGE)
    if will.response_topic is not None:
        properties.ResponseTopic = will.response_topic
    if will.correlation is not None:
        properties.CorrelationData = will.correlation
    if will.user_properties:
        properties.UserProperty = list(will.user_properties)
    if will.expiry_s is not None:
        properties.MessageExpiryInterval = will.expiry_s
    return properties


def subscribe_command(
    subscriptions: Sequence[Subscription],
) -> Callable[[Client], tuple[object, int | None]]:
    """What sends one SUBSCRIBE; all subscriptions have the same identifier."""
    properties = _properties(PacketTypes.SUBSCRIBE)
    if subscriptions[0].identifier is not None:
        properties.SubscriptionIdentifier = subscriptions[0].identifier
    options = [(each.topic_filter, _subscribe_options(each)) for each in subscriptions]
    return lambda client: client.subscribe(options, properties=properties)


def disconnect_command(*, end_session: bool, send_will: bool) -> Callable[[Client], object]:
    """What sends the DISCONNECT."""
    properties = _properties(PacketTypes.DISCONNECT)
    if end_session:
        properties.SessionExpiryInterval = 0
    code = _DISCONNECT_WITH_WILL if send_will else 0
    reason = ReasonCode(PacketTypes.DISCONNECT, identifier=code)
    return lambda client: client.disconnect(reason, properties)


def _subscribe_options(subscription: Subscription) -> SubscribeOptions:
    return SubscribeOptions(
        qos=subscription.qos,
        noLocal=subscription.no_local,
        retainAsPublished=subscription.retain_as_published,
        retainHandling=(
            SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE
            if subscription.send_retained
            else SubscribeOptions.RETAIN_DO_NOT_SEND
        ),
    )


def _properties(packet_type: int) -> Properties:
    return Properties(packet_type)  # type: ignore[no-untyped-call]  # paho does not annotate it
