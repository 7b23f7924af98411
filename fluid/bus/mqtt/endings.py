"""Why a connection ended, from the system's and MQTT's terms into Fluid's: translation only."""

import socket
import ssl

from paho.mqtt.reasoncodes import ReasonCode

from fluid.bus.mqtt import alerts
from fluid.bus.mqtt.address import BrokerAddress
from fluid.bus.mqtt.message_packets import PacketError
from fluid.bus.protocol import Closed, CloseReason

_SESSION_TAKEN_OVER = 0x8E
# CONNACK reasons that pass by themselves: server unavailable, busy, quota exceeded, connection
# rate exceeded. All other refusals need somebody to change something.
_PASSING_REFUSALS = frozenset({0x88, 0x89, 0x97, 0x9F})

# CONNACK reasons that go by who connects: bad user name or password, not authorized.
_REFUSALS_OF_NAME = frozenset({0x86, 0x87})
_MEND_NAME = "; check the user, the password, and that the port is the one for them"


def not_connected(address: BrokerAddress, error: OSError) -> Closed:
    """The name was not resolved, or there is no connection by TCP or TLS."""
    if isinstance(error, socket.gaierror):
        detail = f"no such host: {address.host} ({error.strerror})"
        return Closed(CloseReason.NOT_FOUND, detail)
    if isinstance(error, ssl.SSLCertVerificationError):
        # A device without a clock gets the time from the network: that is waited for.
        passes = alerts.may_pass(error)
        return Closed(
            CloseReason.UNREACHABLE if passes else CloseReason.REFUSED,
            f"{address} {alerts.distrust(error, address.host)}",
        )
    if words := alerts.refusal(error):
        return Closed(CloseReason.REFUSED, f"{address} {words}")
    if alerts.is_not_tls(error):
        detail = (
            f"{address} does not answer by TLS: is it a port for TLS? If not, the address begins "
            "with mqtt://"
        )
        return Closed(CloseReason.UNREACHABLE, detail)
    detail = f"cannot connect to {address}: {error.strerror or error}"
    return Closed(CloseReason.UNREACHABLE, detail)


def refused(address: BrokerAddress, client_id: str, reason: ReasonCode) -> Closed:
    """The CONNACK says no."""
    passes = reason.value in _PASSING_REFUSALS
    mend = _MEND_NAME if reason.value in _REFUSALS_OF_NAME else ""
    return Closed(
        CloseReason.UNREACHABLE if passes else CloseReason.REFUSED,
        f"{address} refused client {client_id!r}: {reason}{mend}",
    )


def disconnected(address: BrokerAddress, client_id: str, reason: ReasonCode) -> Closed:
    """The broker sent a DISCONNECT."""
    taken_over = reason.value == _SESSION_TAKEN_OVER
    return Closed(
        CloseReason.TAKEN_OVER if taken_over else CloseReason.LOST,
        f"{address} disconnected client {client_id!r}: {reason}",
    )


def broken(address: BrokerAddress, *, was_open: bool, failure: OSError | None = None) -> Closed:
    """The connection is gone, and MQTT has not said why. failure: what the socket said."""
    if was_open:
        return Closed(CloseReason.LOST, f"the connection to {address} broke")
    if words := alerts.refusal(failure):
        return Closed(CloseReason.REFUSED, f"{address} {words}")
    return Closed(CloseReason.UNREACHABLE, f"{address} does not answer as a broker")


def no_mqtt(address: BrokerAddress, error: PacketError, *, was_open: bool) -> Closed:
    """Whoever answers there speaks something else, or badly."""
    reason = CloseReason.LOST if was_open else CloseReason.UNREACHABLE
    return Closed(reason, f"{address} does not speak MQTT 5: {error}")
