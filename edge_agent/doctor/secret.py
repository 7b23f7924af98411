"""The session secret: readable, long enough, and kept."""

import stat
from pathlib import Path

from edge_agent.doctor.finding import Finding, Status
from edge_agent.session_secret import SessionSecretUnusable, read_secret

CHECK = "session secret"


def check_secret(path: Path | None, *, guarded: bool) -> tuple[Finding, bytes]:
    """What was found, and the secret. guarded: whether brokers are spoken to by TLS, so that
    somebody cares who takes part."""
    if path is None:
        message = "none is given"
        if not guarded:
            return Finding(CHECK, Status.OK, message), b""
        message += (
            ", so whoever may connect to the broker can take an agent's requests over; give all "
            "agents the same (--session-secret-file)"
        )
        return Finding(CHECK, Status.WARNING, message), b""
    try:
        secret = read_secret(path)
    except SessionSecretUnusable as error:
        return Finding(CHECK, Status.FAILED, str(error)), b""
    if path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        message = f"{path}: every user of this device may read it; chmod 640 {path}"
        return Finding(CHECK, Status.WARNING, message), secret
    return Finding(CHECK, Status.OK, f"{path}: {len(secret)} bytes"), secret
