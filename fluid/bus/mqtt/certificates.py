"""What our own certificate says: whose it is, and from when until when.

Python's `ssl` decodes only certificates that a peer has shown and that were verified. So ours is
shown from one end to the other of a handshake in memory, and trusted there because it is that very
certificate: nothing of this leaves the process, and nobody's trust follows from it.
"""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fluid.bus.mqtt.credentials import Credentials, load_authorities, load_pair
from fluid.errors import CredentialsError

# X509_V_FLAG_NO_CHECK_TIME of OpenSSL's x509_vfy.h, for which `ssl` has no name.
_ANY_TIME = 0x200000
_MOST_TURNS = 10


@dataclass(frozen=True, slots=True)
class Validity:
    """Whose a certificate is, and when it counts. Times are in UTC."""

    common_name: str
    not_before: datetime
    not_after: datetime


def common_name(credentials: Credentials) -> str | None:
    """Of our certificate; None if there is none that could be used as a client's."""
    try:
        validity = read_own(credentials)
    except CredentialsError:
        return None
    return validity.common_name or None if validity else None


def read_own(credentials: Credentials) -> Validity | None:
    """What our certificate says; None if there is none. Raises `CredentialsError`."""
    cert_file = credentials.cert_file
    if cert_file is None:
        return None
    key_file = credentials.key_file or cert_file
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.verify_mode = ssl.CERT_REQUIRED
    server.verify_flags |= ssl.VerifyFlags(ssl.VERIFY_X509_PARTIAL_CHAIN | _ANY_TIME)
    load_pair(server, cert_file, key_file)
    load_authorities(server, cert_file)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    load_pair(client, cert_file, key_file)
    try:
        return _validity(_shown(client, server))
    except (ssl.SSLError, KeyError, ValueError) as error:
        raise CredentialsError(
            f"{cert_file}: is not for clients ({getattr(error, 'verify_message', error)}); have "
            "one issued with extendedKeyUsage clientAuth [cert_file_unusable]"
        ) from error


def read_authorities(ca_file: Path) -> list[Validity]:
    """What the certificates in the file say. Raises `CredentialsError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    load_authorities(context, ca_file)
    return [_validity(each) for each in context.get_ca_certs()]


def _shown(client: ssl.SSLContext, server: ssl.SSLContext) -> dict[str, Any]:
    """What the server's end sees of the client's certificate."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(down, up), server.wrap_bio(up, down, server_side=True)]
    unfinished = list(ends)
    for _ in range(_MOST_TURNS):
        for end in list(unfinished):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            unfinished.remove(end)
        if not unfinished:
            break
    return ends[1].getpeercert() or {}


def _validity(decoded: dict[str, Any]) -> Validity:
    names = dict(pair for part in decoded["subject"] for pair in part)
    return Validity(
        names.get("commonName", ""),
        _moment(decoded["notBefore"]),
        _moment(decoded["notAfter"]),
    )


def _moment(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
