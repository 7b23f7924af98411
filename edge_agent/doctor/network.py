"""The way to a broker: its name has an address, its port is open, and TLS can be agreed on."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from typing import Any

from edge_agent.doctor.finding import Finding, Status
from fluid.bus.mqtt import BrokerAddress, Credentials, alerts

NAME, PORT, TLS = "name", "port", "tls"
TIMEOUT_S = 5.0
_SOON = timedelta(days=30)


def check_name(address: BrokerAddress) -> Finding:
    broker = str(address)
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        message = (
            f"{address.host} has no address ({getattr(error, 'strerror', error)}); check the name, "
            "this device's network and its name server, or give the broker's IP address"
        )
        return Finding(NAME, Status.FAILED, message, broker)
    addresses = ", ".join(dict.fromkeys(str(each[4][0]) for each in found))
    return Finding(NAME, Status.OK, addresses, broker)


def check_port(address: BrokerAddress) -> Finding:
    broker = str(address)
    try:
        socket.create_connection((address.host, address.port), TIMEOUT_S).close()
    except ConnectionRefusedError:
        message = f"nobody listens on {address.port} there; start the broker, or name its port"
        return Finding(PORT, Status.FAILED, message, broker)
    except OSError as error:
        message = (
            f"cannot connect ({error.strerror or error}); is the host up, in this network, and "
            f"does its firewall let port {address.port} in?"
        )
        return Finding(PORT, Status.FAILED, message, broker)
    return Finding(PORT, Status.OK, "it is open", broker)


def check_tls(address: BrokerAddress, credentials: Credentials) -> Finding:
    """The handshake. With TLS 1.3 it is over before the broker judges our certificate: that is
    found out when MQTT begins."""
    broker = str(address)
    if not address.tls:
        if address.host in ("localhost", "::1") or address.host.startswith("127."):
            return Finding(TLS, Status.OK, "not used, and the broker is on this device", broker)
        message = (
            "not used: everybody in the network can read and change what is said; begin the "
            "address with mqtts://"
        )
        return Finding(TLS, Status.WARNING, message, broker)
    context = credentials.context()
    try:
        with (
            socket.create_connection((address.host, address.port), TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=address.host) as secured,
        ):
            return _agreed(secured.version() or "TLS", secured.getpeercert() or {}, broker)
    except ssl.SSLCertVerificationError as error:
        message = f"the broker {alerts.distrust(error, address.host)}"
    except OSError as error:
        refusal = alerts.refusal(error)
        message = f"the broker {refusal}" if refusal else _no_handshake(error)
    return Finding(TLS, Status.FAILED, message, broker)


def _agreed(version: str, certificate: dict[str, Any], broker: str) -> Finding:
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
    message = f"{version}; the broker's certificate is valid until {ends:%Y-%m-%d}"
    if datetime.now(UTC) + _SOON > ends:
        return Finding(TLS, Status.WARNING, f"{message}: have it issued anew before", broker)
    return Finding(TLS, Status.OK, message, broker)


def _no_handshake(error: OSError) -> str:
    if alerts.is_not_tls(error):
        return "does not answer by TLS: name the port that is for TLS, or begin with mqtt://"
    return f"broke off the handshake ({error.strerror or error}): its own log says why"
