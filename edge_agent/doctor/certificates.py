"""The certificate files: readable, of one issue, to this agent's name, and in their time."""

import stat
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from edge_agent.doctor.finding import Finding, Status
from fluid.bus.mqtt import Credentials
from fluid.bus.mqtt.certificates import Validity, read_authorities, read_own
from fluid.errors import CredentialsError

AUTHORITY, CERTIFICATE, KEY = "authority", "certificate", "key"
_SOON = timedelta(days=30)


def check_certificates(credentials: Credentials, agent: str, *, now: datetime) -> list[Finding]:
    """What was found of the files that are given; nothing if none is."""
    findings = []
    if (ca_file := credentials.ca_file) is not None:
        findings.append(_authority(ca_file, now))
    if credentials.cert_file is not None or credentials.key_file is not None:
        findings.append(_own(credentials, agent, now))
    if (key_file := credentials.key_file or credentials.cert_file) is not None:
        findings += _key(key_file)
    return findings


def spans(credentials: Credentials) -> list[Validity]:
    """When the files that can be read count, for whoever judges the clock by it."""
    found: list[Validity] = []
    try:
        if credentials.ca_file is not None:
            found += read_authorities(credentials.ca_file)
        if (own := read_own(credentials)) is not None:
            found.append(own)
    except CredentialsError:
        return found  # which `check_certificates` has told
    return found


def _authority(ca_file: Path, now: datetime) -> Finding:
    try:
        authorities = read_authorities(ca_file)
    except CredentialsError as error:
        return Finding(AUTHORITY, Status.FAILED, str(error))
    if not authorities:
        message = (
            f"{ca_file}: holds a certificate, but not of an authority (basicConstraints CA); name "
            "that of the authority which issued the broker's"
        )
        return Finding(AUTHORITY, Status.WARNING, message)
    return _in_time(AUTHORITY, ca_file, authorities, now)


def _own(credentials: Credentials, agent: str, now: datetime) -> Finding:
    try:
        credentials.context()
        own = read_own(credentials)
    except CredentialsError as error:
        return Finding(CERTIFICATE, Status.FAILED, str(error))
    assert own is not None  # noqa: S101 - `context` refuses a key alone
    assert credentials.cert_file is not None  # noqa: S101 - as above
    if own.common_name != agent:
        message = (
            f"{credentials.cert_file}: is issued to '{own.common_name}', and this agent is "
            f"'{agent}'; a broker that goes by names lets it write nothing: have one issued to "
            f"CN={agent}, or set --id"
        )
        return Finding(CERTIFICATE, Status.FAILED, message)
    return _in_time(CERTIFICATE, credentials.cert_file, [own], now)


def _in_time(check: str, file: Path, read: Iterable[Validity], now: datetime) -> Finding:
    """By the one that ends first. What has not begun is the clock's fault as a rule."""
    first = min(read, key=lambda each: each.not_after)
    name, until = first.common_name, f"{first.not_after:%Y-%m-%d}"
    if now > first.not_after:
        message = f"{file}: '{name}' has expired on {until}; have it issued anew"
        return Finding(check, Status.FAILED, message)
    if now + _SOON > first.not_after:
        message = f"{file}: '{name}' expires on {until}; have it issued anew before"
        return Finding(check, Status.WARNING, message)
    return Finding(check, Status.OK, f"{file}: '{name}', until {until}")


def _key(key_file: Path) -> list[Finding]:
    try:
        mode = key_file.stat().st_mode
    except OSError:
        return []  # told with the certificate
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        message = (
            f"{key_file}: every user of this device may read it; chmod 640 {key_file}, with the "
            "agent's group"
        )
        return [Finding(KEY, Status.WARNING, message)]
    return [Finding(KEY, Status.OK, f"{key_file}: not for every user")]
