"""A certificate authority for tests, by the `openssl` program: it issues and revokes."""

import subprocess
from pathlib import Path

_CONFIGURATION = """
[ca]
default_ca = own
[own]
dir = {folder}
database = $dir/index.txt
new_certs_dir = $dir
serial = $dir/serial
certificate = $dir/ca.crt
private_key = $dir/ca.key
default_md = sha256
default_days = 30
default_crl_days = 30
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""


class Authority:
    """Keeps its certificate, key and records in `folder`."""

    def __init__(self, folder: Path, *, name: str = "Fluid test CA") -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._configuration = folder / "openssl.cnf"
        self._configuration.write_text(_CONFIGURATION.format(folder=folder), encoding="utf-8")
        (folder / "index.txt").touch()
        (folder / "serial").write_text("01\n", encoding="ascii")
        self.certificate = folder / "ca.crt"
        self.crl = folder / "crl.pem"
        self._openssl(
            "req", "-x509", *_new_key(folder / "ca.key"), "-days", "30", "-subj", f"/CN={name}",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", str(self.certificate),
        )  # fmt: skip
        self._write_crl()

    def issue(self, name: str, *, host: str | None = None) -> tuple[Path, Path]:
        """A certificate with `name` as its common name, and its key.

        host: makes it one of a server, with this as its subject alternative name, and no
        client's.
        """
        certificate, key = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        request = self._folder / f"{name}.csr"
        usage = f"extendedKeyUsage={'serverAuth' if host else 'clientAuth'}"
        alternative = ("-addext", f"subjectAltName={host}") if host else ()
        self._openssl(
            "req", *_new_key(key), "-subj", f"/CN={name}", "-addext", usage, *alternative,
            "-out", str(request),
        )  # fmt: skip
        self._authority("-in", str(request), "-out", str(certificate), "-notext")
        return certificate, key

    def revoke(self, certificate: Path) -> None:
        """From now on the revocation list names it."""
        self._authority("-revoke", str(certificate))
        self._write_crl()

    def _write_crl(self) -> None:
        self._authority("-gencrl", "-out", str(self.crl))

    def _authority(self, *options: str) -> None:
        self._openssl("ca", "-batch", "-config", str(self._configuration), *options)

    def _openssl(self, *command: str) -> None:
        subprocess.run(["openssl", *command], check=True, capture_output=True, timeout=60)


def _new_key(path: Path) -> tuple[str, ...]:
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
    return (*curve, "-nodes", "-keyout", str(path))
