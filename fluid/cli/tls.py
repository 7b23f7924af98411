"""The options that name certificate files: the same for `fluid` commands and `edge-agent`.

They are only read here; `fluid.bus.mqtt` loads the files, and says what is wrong with them.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click


class TlsFiles(NamedTuple):
    """In the order in which `fluid.bus.mqtt.credentials` takes them."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


NO_FILES = TlsFiles()


def tls_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add `--ca-file`, `--cert-file` and `--key-file`; the command gets them as `tls`."""

    @click.option(
        "--ca-file",
        type=click.Path(path_type=Path),
        envvar="FLUID_CA_FILE",
        show_envvar=True,
        help="With mqtts://: the authorities (PEM) that may have issued the broker's certificate.  "
        "[default: the system's]",
    )
    @click.option(
        "--cert-file",
        type=click.Path(path_type=Path),
        envvar="FLUID_CERT_FILE",
        show_envvar=True,
        help="With mqtts://: our own certificate (PEM), where the broker asks for one.",
    )
    @click.option(
        "--key-file",
        type=click.Path(path_type=Path),
        envvar="FLUID_KEY_FILE",
        show_envvar=True,
        help="Its key (PEM, without a passphrase).  [default: in the file of --cert-file]",
    )
    @functools.wraps(command)
    def with_tls(
        *arguments: Any,
        ca_file: Path | None,
        cert_file: Path | None,
        key_file: Path | None,
        **rest: Any,
    ) -> None:
        command(*arguments, tls=TlsFiles(ca_file, cert_file, key_file), **rest)

    return with_tls
