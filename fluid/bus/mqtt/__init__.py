"""The bus over a real broker: MQTT 5 through paho. No other package imports paho."""

from functools import cached_property

from fluid.bus.mqtt.address import BrokerAddress, parse_addresses
from fluid.bus.mqtt.certificates import common_name
from fluid.bus.mqtt.credentials import Credentials, credentials
from fluid.bus.mqtt.link import MqttLink
from fluid.bus.protocol import Link, LinkOptions, Sink
from fluid.bus.rules import check_message

__all__ = ["BrokerAddress", "Credentials", "MqttBus", "credentials", "parse_addresses"]


class MqttBus:
    """A `Bus` on the broker at `address`.

    Raises `CredentialsError` for files that cannot be used, and ValueError where files are given
    for an address without TLS: nobody who has them means to speak in the clear.
    """

    def __init__(self, address: BrokerAddress, credentials: Credentials | None = None) -> None:
        self.address = address
        self._credentials = credentials or Credentials()
        if self._credentials.given and not address.tls:
            raise ValueError(
                f"broker address '{address}' must begin with mqtts:// where certificate files are "
                "given (--ca-file, --cert-file, --key-file)"
            )
        self._tls = self._credentials.context() if address.tls else None

    def __str__(self) -> str:
        """The broker's address, without the password."""
        return str(self.address)

    @cached_property
    def user(self) -> str | None:
        """Under which name the broker knows us: the address's user, else our certificate's common
        name; None for none."""
        if self.address.username is not None:
            return self.address.username
        return common_name(self._credentials) if self.address.tls else None

    def open(self, options: LinkOptions, sink: Sink) -> Link:
        """Start connecting; returns at once. Raises ValueError for a will that cannot be sent."""
        if options.will is not None:
            check_message(options.will)
        link = MqttLink(self.address, self._tls, options, sink)
        link.start()
        return link
