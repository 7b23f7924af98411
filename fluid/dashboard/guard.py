"""Which requests the page answers, and what its answers allow a browser to do.

A page that is open in the same browser, from anywhere, can send requests to this machine. Three
rules keep it from changing the mode or reading what devices do:

- The `Host` must be an address, or a name that we know as ours: a name that somebody else's DNS
  points at this machine (DNS rebinding) is not.
- A browser says where a request comes from (`Origin`, `Sec-Fetch-Site`): from elsewhere only
  following a link to the page is allowed.
- The answers load nothing from anywhere else, and may not be shown inside another page.

A request without these headers is from no browser, and its sender needs no browser's help.
Pure: header fields in, a refusal or nothing out.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

RESPONSE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_SAFE_METHODS = frozenset({"GET", "HEAD"})
_OWN_SITES = frozenset({"same-origin", "none"})  # none: typed by the user, or a bookmark


@dataclass(frozen=True, slots=True)
class Refusal:
    """status: of HTTP. message: one sentence for whoever asked."""

    status: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Guard:
    """names: the host names that are ours, in small letters; addresses always are."""

    names: frozenset[str]

    @classmethod
    def of(cls, names: Iterable[str]) -> "Guard":
        return cls(frozenset({"localhost", *(name.lower().rstrip(".") for name in names)}))

    def refusal(self, method: str, headers: Mapping[str, str]) -> Refusal | None:
        """Why a request is not answered; None if it is. headers: by name in small letters."""
        host = headers.get("host", "")
        name = _host_name(host)
        if name is None or not (_is_address(name) or name in self.names):
            return Refusal(
                421,
                "unknown_host",
                f"this page is not known as {host!r}: use its address, or start "
                "'fluid dashboard' with --name for another name",
            )
        if self._is_foreign(method, headers, host):
            return Refusal(403, "foreign_origin", "another page must not use this one")
        return None

    def _is_foreign(self, method: str, headers: Mapping[str, str], host: str) -> bool:
        site = headers.get("sec-fetch-site", "same-origin")
        follows_a_link = method in _SAFE_METHODS and headers.get("sec-fetch-mode") == "navigate"
        if site not in _OWN_SITES and not follows_a_link:
            return True
        origin = headers.get("origin")
        # Behind a proxy the scheme may be another; who can be reached there is the same.
        return origin is not None and origin.partition("://")[2].lower() != host.lower()


def _host_name(host: str) -> str | None:
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return None
    return name.rstrip(".") if name else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
