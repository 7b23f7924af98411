from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.ansible.loading import load

x509 = pytest.importorskip("cryptography.x509", reason="comes with the extra `deploy`")


def certificate(path: Path, *, days: int) -> str:
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - may be absent
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - as above

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pi")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return str(path)


def test_revoked_agents_that_never_had_a_certificate_are_named(tmp_path: Path) -> None:
    """Also those whose certificate is put aside already, or was only renewed, had one."""
    for name in ("agents/pi-a.crt", "agents/pi-b.crt.12.2026~", "revoked/1795285000-pi-c.crt"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.touch()
    certificates = load("filter_plugins/fluid_certificates.py")
    revoked = ["pi-a", "pi-b", "pi-c", "pi", "b", "PI-A"]
    assert certificates.never_issued(revoked, str(tmp_path)) == ["pi", "b", "PI-A"]


@pytest.mark.parametrize(("days", "soon"), [(29, True), (31, False), (0, True)])
def test_a_certificate_is_renewed_in_its_last_month(tmp_path: Path, days: int, soon: bool) -> None:  # noqa: FBT001 - a parameter
    certificates = load("filter_plugins/fluid_certificates.py")
    assert certificates.ends_within(certificate(tmp_path / "pi.crt", days=days), 30) is soon
