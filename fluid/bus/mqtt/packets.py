"""Between Fluid's values and paho's: translation, and no state."""

import ssl
from collections.abc import Callable, Sequence

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from fluid.bus.mqtt.address import BrokerAddress
from fluid.bus.protocol import Delivered, LinkOptions, Message, Subscription

_DISCONNECT_WITH_WILL = 0x04


def new_client(address: BrokerAddress, tls: ssl.SSLContext | None, options: LinkOptions) -> Client:
    """A paho client for one connection, without callbacks."""
    client = Client(
        CallbackAPIVersion.VERSION2,
        options.client_id,
        protocol=MQTTProtocolVersion.MQTTv5,
        reconnect_on_failure=False,
        manual_ack=options.manual_ack,
    )
    client.max_inflight_messages = 0  # no limit of paho's own: the link keeps to the broker's
    if address.username is not None:
        client.username_pw_set(address.username, address.password)
    if tls is not None:
        client.tls_set_context(tls)
    if options.will is not None:
        will = options.will
        properties = message_properties(PacketTypes.WILLMESSAGE, will)
        client.will_set(will.topic, will.payload, will.qos, will.retain, properties)
    return client


def connect_properties(options: LinkOptions) -> Properties:
    properties = _properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = options.session_expiry_s
    properties.ReceiveMaximum = options.receive_maximum
    return properties


def message_properties(packet_type: int, message: Message) -> Properties:
    """Of a PUBLISH or of a will."""
    properties = _properties(packet_type)
    if message.response_topic is not None:
        properties.ResponseTopic = message.response_topic
    if message.correlation is not None:
        properties.CorrelationData = message.correlation
    if message.user_properties:
        properties.UserProperty = list(message.user_properties)
    if message.expiry_s is not None:
        properties.MessageExpiryInterval = message.expiry_s
    return properties


def publish(client: Client, message: Message, properties: Properties) -> int:
    """Send a PUBLISH; its packet identifier."""
    return client.publish(
        message.topic, message.payload, message.qos, message.retain, properties
    ).mid


def publish_size_bytes(message: Message, properties: Properties) -> int:
    """Of the whole PUBLISH packet (MQTT 5, section 3.3), which a Maximum Packet Size is about."""
    packed_properties: bytes = properties.pack()  # type: ignore[no-untyped-call]  # as below
    identifier = 2 if message.qos else 0
    remaining = (
        2 + len(message.topic.encode()) + identifier + len(packed_properties) + len(message.payload)
    )
    length_field = 1 + sum(remaining >= limit for limit in (1 << 7, 1 << 14, 1 << 21))
    return 1 + length_field + remaining


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


def delivered(packet: MQTTMessage) -> Delivered:
    """What a received PUBLISH says."""
    properties = packet.properties
    message = Message(
        topic=packet.topic,
        payload=bytes(packet.payload),
        qos=packet.qos,
        retain=packet.retain,
        response_topic=getattr(properties, "ResponseTopic", None),
        correlation=getattr(properties, "CorrelationData", None),
        user_properties=tuple(getattr(properties, "UserProperty", ())),
        expiry_s=getattr(properties, "MessageExpiryInterval", None),
    )
    return Delivered(
        message,
        ack_id=packet.mid if packet.qos else 0,
        duplicate=packet.dup,
        subscription_ids=tuple(getattr(properties, "SubscriptionIdentifier", ())),
    )


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
