"""What the controller knows of its certificates."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509


def ends_within(path: str, days: int) -> bool:
    """Whether a certificate (PEM) counts no longer than so many days from now; one that is not
    there does not."""
    if not Path(path).exists():
        return False
    certificate = x509.load_pem_x509_certificate(Path(path).read_bytes())
    return certificate.not_valid_after_utc < datetime.now(UTC) + timedelta(days=days)


def certificates_in(folder: str) -> list[dict[str, str]]:
    """The certificates in a folder, and older ones that were renewed, as x509_crl wants them."""
    return [{"path": str(path)} for path in sorted(Path(folder).glob("*.crt*"))]


class FilterModule:
    """The filters' names in templates."""

    def filters(self) -> dict[str, Any]:
        return {"fluid_ends_within": ends_within, "fluid_certificates_in": certificates_in}
