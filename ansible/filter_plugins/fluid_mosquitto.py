"""Mosquitto's files from those in broker/, and what its users and certificates need.

Pure functions of their arguments: the same input gives the same text, so that a second run of the
playbook changes nothing.
"""

import base64
import hashlib
import hmac
import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

_SALT_BYTES = 12
_TOPIC = re.compile(r"^((?:topic|pattern)\s+(?:(?:read|write|readwrite|deny)\s+)?)fluid(?=/|$)")
_OPERATOR = "user operator"


def passwords(clients: Mapping[str, Mapping[str, Any]], pepper: str, iterations: int) -> str:
    """Mosquitto's password file: PBKDF2 of SHA-512, as `mosquitto_passwd` writes it.

    clients: of each user the `password`. pepper: a secret from which each user's salt is derived:
    a salt has to differ from user to user, and to be the same in each run.
    """
    return "".join(
        f"{name}:{_hashed(name, str(clients[name]['password']), pepper, iterations)}\n"
        for name in sorted(clients)
    )


def _hashed(name: str, password: str, pepper: str, iterations: int) -> str:
    salt = hmac.digest(pepper.encode(), f"mosquitto salt of {name}".encode(), "sha512")
    salt = salt[:_SALT_BYTES]
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    return f"$7${iterations}${_base64(salt)}${_base64(key)}"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def acl(text: str, base_topic: str) -> str:
    """An ACL file with another base topic than `fluid`."""
    lines = [_TOPIC.sub(rf"\g<1>{base_topic}", line) for line in text.splitlines()]
    return "\n".join(lines) + "\n"


def operators(text: str, clients: Mapping[str, Mapping[str, Any]]) -> str:
    """clients.acl with its last part, that of the user `operator`, once for each operator."""
    common, mark, rights = text.partition(f"{_OPERATOR}\n")
    if not mark:
        raise ValueError(f"clients.acl has no line '{_OPERATOR}': take the file of broker/")
    names = [name for name in sorted(clients) if clients[name].get("operator")]
    return common + "\n".join(f"user {name}\n{rights}" for name in names)


def configuration(text: str, options: Mapping[str, Any]) -> str:
    """A configuration file with options replaced wherever they stand.

    A name with a number, such as `listener 8884`, replaces only the line with that first value.
    """
    lines = []
    for line in text.splitlines():
        words = line.split()
        names = (" ".join(words[:2]), words[0]) if words else ()
        name = next((each for each in names if each in options), None)
        lines.append(line if name is None else f"{words[0]} {options[name]}")
    return "\n".join(lines) + "\n"


def alt_names(names: Iterable[str]) -> list[str]:
    """A certificate's subject alternative names, of host names and addresses."""
    return [f"{'IP' if _is_address(each) else 'DNS'}:{each}" for each in dict.fromkeys(names)]


def broker_url(host: str, port: int) -> str:
    """The address of a broker for those who connect with a certificate."""
    shown = f"[{host}]" if ":" in host else host
    return f"mqtts://{shown}:{port}"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class FilterModule:
    """The filters' names in templates."""

    def filters(self) -> dict[str, Any]:
        return {
            "fluid_passwords": passwords,
            "fluid_acl": acl,
            "fluid_operators": operators,
            "fluid_configuration": configuration,
            "fluid_alt_names": alt_names,
            "fluid_broker_url": broker_url,
        }
