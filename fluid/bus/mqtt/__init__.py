"""The bus over a real broker: MQTT 5 through paho. No other package imports paho."""

import ssl

from fluid.bus.mqtt.address import BrokerAddress, parse_addresses
from fluid.bus.mqtt.link import MqttLink
from fluid.bus.protocol import Link, LinkOptions, Sink
from fluid.bus.rules import check_message

__all__ = ["BrokerAddress", "MqttBus", "parse_addresses"]


class MqttBus:
    """A `Bus` on the broker at `address`.

    Raises OSError if the address names a certificate authority file that cannot be read.
    """

    def __init__(self, address: BrokerAddress) -> None:
        self.address = address
        self._tls = ssl.create_default_context(cafile=address.ca_file) if address.tls else None

    def __str__(self) -> str:
        """The broker's address, without the password."""
        return str(self.address)

    def open(self, options: LinkOptions, sink: Sink) -> Link:
        """Start connecting; returns at once. Raises ValueError for a will that cannot be sent."""
        if options.will is not None:
            check_message(options.will)
        link = MqttLink(self.address, self._tls, options, sink)
        link.start()
        return link
