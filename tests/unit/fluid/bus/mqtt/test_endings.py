import socket
import ssl

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from fluid.bus import Closed, CloseReason
from fluid.bus.mqtt import BrokerAddress, endings

ADDRESS = BrokerAddress("pi.local", 1883)


def test_a_host_without_an_address_is_not_found() -> None:
    error = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    assert endings.not_connected(ADDRESS, error) == Closed(
        CloseReason.NOT_FOUND, "no such host: pi.local (Name or service not known)"
    )


def test_an_untrusted_certificate_is_a_refusal_because_it_does_not_pass_by_itself() -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = 18, "self-signed certificate"
    closed = endings.not_connected(ADDRESS, error)
    assert closed.reason is CloseReason.REFUSED
    assert "has an untrusted certificate: self-signed certificate; give" in closed.detail


def test_a_certificate_that_waits_for_our_clock_may_be_accepted_later() -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = 9, "certificate is not yet valid"
    closed = endings.not_connected(ADDRESS, error)
    assert closed.reason is CloseReason.UNREACHABLE
    assert "this device's clock" in closed.detail


def alert(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}]")
    error.reason = reason
    return error


def test_an_alert_about_our_certificate_is_a_refusal_before_and_after_the_handshake() -> None:
    error = alert("TLSV1_ALERT_UNKNOWN_CA")
    before = endings.not_connected(ADDRESS, error)
    assert before == endings.broken(ADDRESS, was_open=False, failure=error)
    assert before.reason is CloseReason.REFUSED
    assert "does not know the authority" in before.detail


def test_an_open_connection_is_lost_whatever_the_alert() -> None:
    error = alert("SSLV3_ALERT_CERTIFICATE_REVOKED")
    assert endings.broken(ADDRESS, was_open=True, failure=error).reason is CloseReason.LOST


def test_a_port_without_tls_is_told_from_a_refusal() -> None:
    closed = endings.not_connected(ADDRESS, alert("WRONG_VERSION_NUMBER"))
    assert closed.reason is CloseReason.UNREACHABLE
    assert "is it a port for TLS?" in closed.detail


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (TimeoutError("timed out"), "timed out"),  # it has no `strerror`
    ],
)
def test_all_else_that_keeps_us_from_connecting_may_pass(error: OSError, words: str) -> None:
    closed = endings.not_connected(ADDRESS, error)
    assert closed.reason is CloseReason.UNREACHABLE
    assert closed.detail.endswith(f"cannot connect to {ADDRESS}: {words}")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (0x87, CloseReason.REFUSED),
        (0x88, CloseReason.UNREACHABLE),
        (0x89, CloseReason.UNREACHABLE),
        (0x97, CloseReason.UNREACHABLE),
        (0x9F, CloseReason.UNREACHABLE),
    ],
)
def test_a_refusal_that_passes_by_itself_is_told_from_one_that_does_not(
    code: int, reason: CloseReason
) -> None:
    connack = ReasonCode(PacketTypes.CONNACK, identifier=code)
    assert endings.refused(ADDRESS, "pi", connack).reason is reason


@pytest.mark.parametrize(("code", "reason"), [(0x8E, CloseReason.TAKEN_OVER),
                                              (0x8B, CloseReason.LOST)])  # fmt: skip
def test_a_takeover_is_told_from_the_other_goodbyes_of_the_broker(
    code: int, reason: CloseReason
) -> None:
    disconnect = ReasonCode(PacketTypes.DISCONNECT, identifier=code)
    assert endings.disconnected(ADDRESS, "pi", disconnect).reason is reason


def test_only_what_was_open_can_be_lost() -> None:
    assert endings.broken(ADDRESS, was_open=True).reason is CloseReason.LOST
    assert endings.broken(ADDRESS, was_open=False).reason is CloseReason.UNREACHABLE
