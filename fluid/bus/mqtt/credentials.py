"""What a connection by TLS trusts and proves itself with: files, and the SSL context of them.

The context is the same on every release of Python: from 3.13 on, `ssl.create_default_context` also
refuses authorities that lack what RFC 5280 wants and that OpenSSL can do without.
"""

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from fluid.bus.mqtt.alerts import AlertKeeper
from fluid.errors import CredentialsError

_CERTIFICATE = "-----BEGIN CERTIFICATE-----"
_KEY = "PRIVATE KEY-----"


@dataclass(frozen=True, slots=True)
class Credentials:
    """PEM files; None for none.

    ca_file: the authorities that a broker's certificate is checked against, instead of the
    system's. cert_file, key_file: our own certificate and its key, for a broker that asks for one;
    without `key_file`, the key is in `cert_file`.
    """

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @property
    def given(self) -> bool:
        """Whether any file is."""
        return any((self.ca_file, self.cert_file, self.key_file))

    def context(self) -> ssl.SSLContext:
        """For connections to brokers, by TLS 1.2 or newer.

        Raises `CredentialsError`: one line that names the file, says what to do and ends with a
        code.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks certificate and host name
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.sslsocket_class = AlertKeeper
        if self.ca_file is None:
            context.load_default_certs()
        else:
            load_authorities(context, self.ca_file)
        if self.cert_file is not None:
            load_pair(context, self.cert_file, self.key_file or self.cert_file)
        elif self.key_file is not None:
            raise CredentialsError(
                f"{self.key_file}: a key alone proves nothing; give the certificate that belongs "
                "to it too (--cert-file) [certificate_missing]"
            )
        return context


def credentials(
    ca_file: str | os.PathLike[str] | None = None,
    cert_file: str | os.PathLike[str] | None = None,
    key_file: str | os.PathLike[str] | None = None,
) -> Credentials:
    """From what a user gave: an empty text counts as nothing, as of an empty variable."""
    paths = [Path(each) if each else None for each in (ca_file, cert_file, key_file)]
    return Credentials(*paths)


def load_authorities(context: ssl.SSLContext, ca_file: Path) -> None:
    """Raises `CredentialsError`."""
    _read(ca_file, "ca_file_unusable")
    try:
        context.load_verify_locations(cafile=ca_file)
    except ssl.SSLError as error:
        raise CredentialsError(
            f"{ca_file}: holds no certificate in PEM form; copy the authority's certificate "
            "(ca.crt) there again [ca_file_unusable]"
        ) from error


def load_pair(context: ssl.SSLContext, cert_file: Path, key_file: Path) -> None:
    """Raises `CredentialsError`."""
    if _CERTIFICATE not in _read(cert_file, "cert_file_unusable"):
        raise CredentialsError(
            f"{cert_file}: holds no certificate in PEM form; copy it there again "
            "[cert_file_unusable]"
        )
    if _KEY not in _read(key_file, "key_file_unusable"):
        raise CredentialsError(
            f"{key_file}: holds no private key in PEM form; name the key of {cert_file} "
            "(--key-file) [key_file_unusable]"
        )
    try:
        context.load_cert_chain(cert_file, key_file, password=_no_password)
    except _Encrypted as error:
        raise CredentialsError(
            f"{key_file}: is locked with a passphrase, which nobody could type on a device; write "
            f"it without one: openssl pkey -in {key_file} -out NEW.key [key_encrypted]"
        ) from error
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise CredentialsError(
                f"{key_file}: is not the key of {cert_file}; copy both from one issue of the "
                "certificate [key_mismatch]"
            ) from error
        what = error.reason or "not readable as PEM"
        raise CredentialsError(
            f"{cert_file} and {key_file}: cannot be used ({what}); copy both again "
            "[cert_file_unusable]"
        ) from error


class _Encrypted(Exception):
    """The key has a passphrase. Without it, OpenSSL would ask at the terminal."""


def _no_password() -> str:
    raise _Encrypted


def _read(path: Path, code: str) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except FileNotFoundError as error:
        raise CredentialsError(f"{path}: no such file; copy it there [{code}]") from error
    except PermissionError as error:
        raise CredentialsError(
            f"{path}: this user may not read it; give it to the user that runs this [{code}]"
        ) from error
    except OSError as error:
        raise CredentialsError(f"{path}: cannot be read ({error.strerror}) [{code}]") from error
