"""The secret that all agents of a cluster share, and the names that it makes.

Whoever connects with a client id takes over its session, with the requests in it: the leader does
so for a dead device, and MQTT lets everyone do it who may connect. An agent's client id follows
from its public name, so a secret part keeps it from those who are no agents.

Likewise whoever joins the agents' shared subscription takes its turn: a broker may not ask for
rights then, and withhold the request from an intruder only once nobody else gets it (Mosquitto).
"""

import hashlib
import hmac
from pathlib import Path

from fluid.errors import FluidError

UNUSABLE_CODE = "session_secret_unusable"
_LEAST_BYTES = 16
_DIGITS = 16


class SessionSecretUnusable(FluidError):
    """The file with the secret cannot be used. One line, with what to do."""


def read_secret(path: Path) -> bytes:
    """The secret in a file, without the white space around it. Raises `SessionSecretUnusable`."""
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise SessionSecretUnusable(
            f"{path}: the session secret cannot be read ({error.strerror}); copy it there, "
            f"readable by the user that runs this [{UNUSABLE_CODE}]"
        ) from error
    if len(secret) < _LEAST_BYTES:
        raise SessionSecretUnusable(
            f"{path}: a session secret has at least {_LEAST_BYTES} bytes; write one with "
            f"'openssl rand -hex 32' and give all agents the same [{UNUSABLE_CODE}]"
        )
    return secret


def sealed(client_id: str, secret: bytes) -> str:
    """The client id with its secret part; as it is without a secret."""
    return f"{client_id}:{seal(client_id, secret)}" if secret else client_id


def seal(name: str, secret: bytes) -> str:
    """What only those can add to a name who know the secret; nothing without a secret."""
    if not secret:
        return ""
    return hmac.new(secret, name.encode(), hashlib.sha256).hexdigest()[:_DIGITS]
