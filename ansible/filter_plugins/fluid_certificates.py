"""What the controller knows of its certificates."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key


def ends_within(path: str, days: int) -> bool:
    """Whether a certificate or a list of revoked ones (PEM) counts no longer than so many days from
    now; one that is not there does not."""
    if not Path(path).exists():
        return False
    pem = Path(path).read_bytes()
    if b"BEGIN X509 CRL" in pem:
        end = x509.load_pem_x509_crl(pem).next_update_utc
    else:
        end = x509.load_pem_x509_certificate(pem).not_valid_after_utc
    return end is not None and end < datetime.now(UTC) + timedelta(days=days)


def authority_problems(folder: str, passphrase: str) -> list[str]:
    """Why the authority in a folder cannot be used; where there is none, one will be made."""
    key, certificate = Path(folder, "ca.key"), Path(folder, "ca.crt")
    if key.exists():
        problem = _key_problem(key, str(passphrase).encode() if passphrase else None)
        return [problem] if problem else []
    if certificate.exists():
        return [
            f"{certificate} is there without its ca.key: bring that back from your backup, or move "
            "all of the folder away for a new authority"
        ]
    return []


def _key_problem(key: Path, passphrase: bytes | None) -> str:
    pem = key.read_bytes()
    is_locked = b"ENCRYPTED" in pem
    if is_locked and passphrase is None:
        return f"{key} is locked: set pki_passphrase in the vault to its passphrase"
    if not is_locked and passphrase is not None:
        return (
            f"{key} is not locked, and pki_passphrase is set: lock it with that passphrase "
            "(openssl pkey -aes256 -in ca.key -out locked.key, and move that to ca.key), or take "
            "pki_passphrase out of the vault"
        )
    try:
        load_pem_private_key(pem, passphrase)
    except ValueError:
        if passphrase is None:
            return f"{key} is no key: bring it back from your backup"
        return f"pki_passphrase does not open {key}: set it in the vault to its passphrase"
    return ""


def term_problems(terms: Iterable[int], renewed: int) -> list[str]:
    """What is wrong with the days that certificates count and are renewed before their end."""
    shortest = min(map(int, terms))
    if shortest > int(renewed):
        return []
    return [
        f"pki_renew_days is {renewed}, and certificates count for {shortest} days, so that every "
        "run would renew them all: set it to less"
    ]


def certificates_in(folder: str) -> list[dict[str, str]]:
    """The certificates in a folder, and older ones that were renewed, as x509_crl wants them."""
    return [{"path": str(path)} for path in sorted(Path(folder).glob("*.crt*"))]


def never_issued(agents: Iterable[str], folder: str) -> list[str]:
    """Which of these agents the authority in a folder has no certificate of that it could revoke,
    nor one that is revoked already: as a rule, their names were mistyped."""
    kept = {path.name for path in Path(folder).glob("*/*.crt*")}
    return [
        agent
        for agent in agents
        if not any(re.fullmatch(rf"(\d+-)?{re.escape(agent)}\.crt(\..*)?", each) for each in kept)
    ]


class FilterModule:
    """The filters' names in templates."""

    def filters(self) -> dict[str, Any]:
        return {
            "fluid_ends_within": ends_within,
            "fluid_authority_problems": authority_problems,
            "fluid_term_problems": term_problems,
            "fluid_certificates_in": certificates_in,
            "fluid_never_issued": never_issued,
        }
