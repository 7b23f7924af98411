"""A broker's address: parsing what a user wrote, and nothing about connecting."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import SplitResult, unquote, urlsplit

_DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}
# A comma before another address; a password may have commas of its own.
_SEPARATOR = re.compile(r"[\s,]+(?=mqtts?://)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where a broker listens, and as whom to connect.

    tls: encrypt, and check the broker's certificate; `Credentials` say against what. Neither `str`
    nor `repr` shows the password.
    """

    host: str
    port: int = 1883
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read `mqtt://[user:password@]host[:port]`, or `mqtts://` for TLS.

        User and password may be percent-encoded. Raises ValueError, whose message is one line
        for the user and keeps the password to itself.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise _bad(url, f"({error})") from None  # the cause may quote the password
        if parts.scheme not in _DEFAULT_PORTS:
            raise _bad(url, "must begin with mqtt:// or mqtts://")
        if port == 0 or not parts.hostname or _has_more(parts):
            raise _bad(url, "must look like mqtt://user:password@host:1883")
        if "," in parts.hostname:
            raise _bad(url, "has a comma that no mqtt:// or mqtts:// follows")
        try:
            parts.hostname.encode("idna")
        except UnicodeError:
            raise _bad(url, "has an impossible host name") from None
        return cls(
            host=parts.hostname,
            port=port or _DEFAULT_PORTS[parts.scheme],
            username=_decoded(parts.username),
            password=_decoded(parts.password),
            tls=parts.scheme == "mqtts",
        )

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


def parse_addresses(urls: str | Iterable[str]) -> tuple[BrokerAddress, ...]:
    """Read the addresses of several brokers, in the order of preference.

    Each text may hold several, separated by commas. Raises ValueError as `BrokerAddress.parse`
    does, and for none at all, or for two of one broker.
    """
    text = (urls if isinstance(urls, str) else " ".join(urls)).strip()
    if not text:
        raise ValueError("no broker address is given")
    addresses = tuple(BrokerAddress.parse(url) for url in _SEPARATOR.split(text))
    known: set[tuple[str, int]] = set()
    for address in addresses:
        if (address.host, address.port) in known:
            raise ValueError(f"broker address '{address}' is given twice; name each broker once")
        known.add((address.host, address.port))
    return addresses


def _has_more(parts: SplitResult) -> bool:
    return parts.path not in ("", "/") or bool(parts.query or parts.fragment)


def _decoded(part: str | None) -> str | None:
    return unquote(part) if part else None


def _bad(url: str, what: str) -> ValueError:
    shown = re.sub(r"//.*@", "//", url)
    return ValueError(f"broker address {shown!r} {what}")
