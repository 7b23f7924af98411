"""What a TLS handshake fails of, in plain words: translation, and the socket that keeps the cause.

With TLS 1.3 a client takes the handshake for done before the broker has looked at its certificate,
so a refusal comes as an alert on the first read. paho writes that to its own log and says only that
the connection is lost; `AlertKeeper` remembers it.
"""

import ssl
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

# Of OpenSSL's reasons (`SSLV3_ALERT_CERTIFICATE_REVOKED`, `TLSV1_ALERT_UNKNOWN_CA`, ...) the end,
# which is the alert's name (RFC 8446, section 6.2) and does not depend on the release of OpenSSL.
_REFUSALS = {
    "ALERT_UNKNOWN_CA": (
        "does not know the authority of our certificate: have the certificate issued by the "
        "authority that the broker knows"
    ),
    "ALERT_CERTIFICATE_REQUIRED": (
        "asks for a certificate and got none: give one (--cert-file, --key-file)"
    ),
    "ALERT_CERTIFICATE_REVOKED": ("says that our certificate is revoked: have another one issued"),
    "ALERT_CERTIFICATE_EXPIRED": (
        "says that our certificate has expired, or its own list of revoked ones is out of date: "
        "have the one or the other issued anew"
    ),
    "ALERT_CERTIFICATE_UNKNOWN": "does not accept our certificate: its own log says why",
    "ALERT_BAD_CERTIFICATE": (
        "does not accept our certificate, which may not be valid yet by its clock: its own log "
        "says why"
    ),
    "ALERT_UNSUPPORTED_CERTIFICATE": (
        "does not take our certificate for one of a client: have one issued for that "
        "(extendedKeyUsage clientAuth)"
    ),
    "ALERT_DECRYPT_ERROR": "finds a wrong signature on our certificate: have it issued again",
    "ALERT_ACCESS_DENIED": "denies access to our certificate",
    "ALERT_HANDSHAKE_FAILURE": (
        "asks for a certificate (--cert-file, --key-file), or takes none of our ciphers"
    ),
    "ALERT_PROTOCOL_VERSION": "speaks neither TLS 1.2 nor anything newer: update it",
}
_NO_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "UNEXPECTED_EOF_WHILE_READING", "RECORD_LAYER_FAILURE"}
)

# X509_V_ERR_*, of OpenSSL's x509_vfy.h.
_NOT_YET_VALID = 9
_EXPIRED = 10
_OTHER_NAME = frozenset({62, 64})  # a host name, an address
_OTHER_AUTHORITY = frozenset({2, 7, 18, 19, 20, 21})


class AlertKeeper(ssl.SSLSocket):
    """failure: the first error of the connection, which its user may have swallowed."""

    failure: OSError | None = None

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - as in `ssl`
        try:
            super().do_handshake(block)
        except OSError:
            self.close()  # paho lets go of it without
            raise

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        try:
            return super().recv(buflen, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError as error:
            self.failure = self.failure or error
            raise

    def send(self, data: Any, flags: int = 0) -> int:
        try:
            return super().send(data, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError as error:
            with suppress(OSError):
                self.recv(1)  # the broker may have said why before it hung up
            self.failure = self.failure or error
            raise


def refusal(error: OSError | None) -> str:
    """What a broker's alert says of us, to follow its address; "" if it is no alert that lasts."""
    reason = (error.reason or "") if isinstance(error, ssl.SSLError) else ""
    return next((words for name, words in _REFUSALS.items() if reason.endswith(name)), "")


def is_not_tls(error: OSError) -> bool:
    """Whether whoever listens there seems to speak something else."""
    return isinstance(error, ssl.SSLError) and error.reason in _NO_TLS


def may_pass(error: ssl.SSLCertVerificationError) -> bool:
    """Whether the broker's certificate may be accepted later, without anybody's help."""
    return error.verify_code == _NOT_YET_VALID


def distrust(error: ssl.SSLCertVerificationError, host: str, *, now: datetime | None = None) -> str:
    """Why we do not accept the broker's certificate, to follow its address, and what to do."""
    words = error.verify_message.rstrip(".")
    if error.verify_code == _NOT_YET_VALID:
        return (
            "has a certificate that is not valid yet by this device's clock, which says "
            f"{(now or datetime.now(UTC)):%Y-%m-%d %H:%M} UTC: a Raspberry Pi has no clock of its "
            "own, so wait until it has the time from the network, or set it (timedatectl)"
        )
    if error.verify_code == _EXPIRED:
        return (
            "has a certificate that has expired by this device's clock, which says "
            f"{(now or datetime.now(UTC)):%Y-%m-%d %H:%M} UTC: have the broker's issued anew, or "
            "set the clock"
        )
    if error.verify_code in _OTHER_NAME:
        return (
            f"has a certificate for another host ({words}): use a name that it is for, or have one "
            f"issued with {host} among its subject alternative names"
        )
    if error.verify_code in _OTHER_AUTHORITY:
        return (
            f"has an untrusted certificate: {words}; give the certificate of the authority that "
            "issued it (--ca-file)"
        )
    return f"has an untrusted certificate: {words}"
