"""Certificates of the deployed authority, as its owner could issue them for one more device."""

from pathlib import Path

from tests.fleet.commands import run
from tests.fleet.fleet import PASSWORDS, Fleet
from tests.rights.session import Credentials

_CLIENT_PORT = 8883
_DEVICE_PORT = 8884


def issue(fleet: Fleet, name: str, folder: Path) -> tuple[Path, Path]:
    """A certificate for an agent that no device is, and its key."""
    certificate, key, request = (folder / f"{name}.{kind}" for kind in ("crt", "key", "csr"))
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    run(
        ["openssl", "req", *curve, "-keyout", str(key), "-subj", f"/CN={name}",
         "-out", str(request)],
        timeout_s=60,
    )  # fmt: skip
    run(
        ["openssl", "x509", "-req", "-in", str(request), "-CA", str(fleet.ca_file),
         "-CAkey", str(fleet.pki / "ca.key"), "-set_serial", "0x7e57", "-days", "2",
         "-out", str(certificate)],
        timeout_s=60,
    )  # fmt: skip
    return certificate, key


def device_credentials(fleet: Fleet, certificate: Path, key: Path) -> Credentials:
    """Of who has a device's certificate."""
    return Credentials(
        _DEVICE_PORT, fleet.ca_file, host=fleet.broker.address, certificate=certificate, key=key
    )


def user_credentials(fleet: Fleet, name: str) -> Credentials:
    """Of one of `fluid_clients`."""
    return Credentials(
        _CLIENT_PORT,
        fleet.ca_file,
        host=fleet.broker.address,
        user=name,
        password=PASSWORDS[name],
    )


def agent_credentials(fleet: Fleet, name: str) -> Credentials:
    """Of a device of the fleet."""
    stem = fleet.pki / "agents" / name
    return device_credentials(fleet, stem.with_suffix(".crt"), stem.with_suffix(".key"))
