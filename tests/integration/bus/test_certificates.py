"""Certificates on both sides of a real broker: who is let in, and what the others are told."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fluid.bus import Closed, CloseReason, LinkOptions, Message, Subscription
from fluid.bus.mqtt import BrokerAddress, Credentials, MqttBus
from fluid.bus.mqtt.certificates import read_authorities, read_own
from fluid.errors import CredentialsError
from tests.integration.broker.authority import Authority
from tests.integration.bus.private import private_mosquitto
from tests.recorder import Recorder

pytestmark = pytest.mark.secured


@dataclass(frozen=True)
class Guarded:
    """A broker that lets in whom `authority` has issued a certificate to, but not `revoked`."""

    port: int
    authority: Authority

    def bus(self, credentials: Credentials, *, host: str = "127.0.0.1") -> MqttBus:
        return MqttBus(BrokerAddress.parse(f"mqtts://{host}:{self.port}"), credentials)

    def of(self, pair: tuple[Path, Path], ca: Path | None = None) -> Credentials:
        return Credentials(ca or self.authority.certificate, *pair)


def issue_for(
    folder: Path, name: str, start: str, end: str, *, host: str = ""
) -> tuple[Path, Path]:
    """A certificate of the authority in `folder` with this span, YYYYMMDDHHMMSSZ."""
    key, request, certificate = (folder / f"{name}.{end}" for end in ("key", "csr", "crt"))
    alternative = ["-addext", f"subjectAltName={host}"] if host else []
    commands = (
        ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
         str(key), "-subj", f"/CN={name}", *alternative, "-out", str(request)],
        ["ca", "-batch", "-config", str(folder / "openssl.cnf"), "-startdate", start, "-enddate",
         end, "-in", str(request), "-out", str(certificate), "-notext"],
    )  # fmt: skip
    for command in commands:
        subprocess.run(["openssl", *command], check=True, capture_output=True, timeout=60)
    return certificate, key


def options_of(authority: Authority, certificate: Path, key: Path) -> dict[str, str]:
    return {
        "certfile": str(certificate),
        "keyfile": str(key),
        "cafile": str(authority.certificate),
        "crlfile": str(authority.crl),
        "require_certificate": "true",
        "use_identity_as_username": "true",
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return Authority(folder / "own")


@pytest.fixture(scope="module")
def revoked(authority: Authority) -> tuple[Path, Path]:
    pair = authority.issue("revoked")
    authority.revoke(pair[0])
    return pair


@pytest.fixture(scope="module", params=["tlsv1.2", "tlsv1.3"])
def broker(
    folder: Path,
    authority: Authority,
    revoked: tuple[Path, Path],
    request: pytest.FixtureRequest,
) -> Iterator[Guarded]:
    certificate, key = authority.issue(f"broker-{request.param}", host="IP:127.0.0.1")
    options = {**options_of(authority, certificate, key), "tls_version": request.param}
    place = folder / request.param
    place.mkdir()
    with private_mosquitto(place, options) as port:
        yield Guarded(port, authority)


@pytest.fixture(scope="module")
def two_pairs(authority: Authority) -> Path:
    """The folder of one.crt, one.key, two.crt and two.key."""
    authority.issue("one")
    return authority.issue("two")[0].parent


def ending(bus: MqttBus) -> Closed:
    return Recorder(bus, LinkOptions("client")).closed()


def test_who_has_a_certificate_of_the_authority_is_let_in_by_its_name(broker: Guarded) -> None:
    bus = broker.bus(broker.of(broker.authority.issue(f"pi-{broker.port}")))
    assert bus.user == f"pi-{broker.port}"
    client = Recorder(bus, LinkOptions("client"))
    client.opened()
    client.subscribe(Subscription("x"))
    client.publish(Message("x", b"yes", qos=1))
    assert client.payloads(1) == [b"yes"]
    client.link.close()
    assert client.closed() == Closed(CloseReason.REQUESTED)


def test_a_revoked_certificate_is_refused_and_called_so(
    broker: Guarded, revoked: tuple[Path, Path]
) -> None:
    closed = ending(broker.bus(broker.of(revoked)))
    assert closed.reason is CloseReason.REFUSED
    assert "our certificate is revoked" in closed.detail
    assert str(broker.port) in closed.detail


def test_a_certificate_of_another_authority_is_refused_and_called_so(
    broker: Guarded, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path / "other", name="Another").issue("pi")
    closed = ending(broker.bus(broker.of(stranger)))
    assert closed.reason is CloseReason.REFUSED
    assert "does not know the authority of our certificate" in closed.detail


def test_an_expired_certificate_is_refused_and_called_so(broker: Guarded) -> None:
    folder, name = broker.authority.certificate.parent, f"old-{broker.port}"
    pair = issue_for(folder, name, "20200101000000Z", "20200201000000Z")
    closed = ending(broker.bus(broker.of(pair)))
    assert closed.reason is CloseReason.REFUSED
    assert "our certificate has expired" in closed.detail


def test_a_missing_certificate_is_asked_for(broker: Guarded) -> None:
    closed = ending(broker.bus(Credentials(broker.authority.certificate)))
    assert closed.reason is CloseReason.REFUSED
    assert "--cert-file" in closed.detail


def test_a_broker_of_another_authority_is_not_trusted(broker: Guarded, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other", name="Another")
    closed = ending(broker.bus(Credentials(other.certificate)))
    assert closed.reason is CloseReason.REFUSED
    assert "untrusted certificate" in closed.detail
    assert "--ca-file" in closed.detail


def test_a_broker_under_another_name_is_not_trusted(broker: Guarded) -> None:
    closed = ending(broker.bus(Credentials(broker.authority.certificate), host="localhost"))
    assert closed.reason is CloseReason.REFUSED
    assert "a certificate for another host" in closed.detail


@pytest.mark.parametrize(
    ("span", "reason", "words"),
    [
        # A device's clock is behind until the network tells it the time.
        (("20900101000000Z", "20910101000000Z"), CloseReason.UNREACHABLE, "not valid yet"),
        (("20200101000000Z", "20200201000000Z"), CloseReason.REFUSED, "has expired"),
    ],
)
def test_a_broker_out_of_its_time_is_told_with_our_clock(
    tmp_path: Path, span: tuple[str, str], reason: CloseReason, words: str
) -> None:
    authority = Authority(tmp_path / "own")
    place = authority.certificate.parent
    certificate, key = issue_for(place, "broker", *span, host="IP:127.0.0.1")
    with private_mosquitto(tmp_path, {"certfile": str(certificate), "keyfile": str(key)}) as port:
        bus = MqttBus(
            BrokerAddress.parse(f"mqtts://127.0.0.1:{port}"), Credentials(authority.certificate)
        )
        closed = ending(bus)
    assert closed.reason is reason
    assert re.search(rf"{words} by this device's clock, which says \d{{4}}-", closed.detail)


def test_what_the_files_say_can_be_read_whatever_the_time(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "own", name="Ours")
    place = authority.certificate.parent
    pair = issue_for(place, "pi-3", "20200101000000Z", "20200201000000Z")
    own = read_own(Credentials(None, *pair))
    assert own is not None
    assert (own.common_name, own.not_before.year, own.not_after.month) == ("pi-3", 2020, 2)
    (root,) = read_authorities(authority.certificate)
    assert root.common_name == "Ours"
    assert read_own(Credentials(authority.certificate)) is None


@pytest.mark.parametrize(
    ("certificate", "key", "code"),
    [
        ("two.crt", "one.key", "key_mismatch"),
        ("one.key", "one.key", "cert_file_unusable"),
        ("none", "one.key", "cert_file_unusable"),
        ("one.crt", "one.crt", "key_file_unusable"),
        ("one.crt", "none", "key_file_unusable"),
        ("", "one.key", "certificate_missing"),
    ],
)
def test_files_that_do_not_fit_are_one_sentence_with_a_code(
    two_pairs: Path, certificate: str, key: str, code: str
) -> None:
    cert_file = two_pairs / certificate if certificate else None
    with pytest.raises(CredentialsError) as raised:
        Credentials(None, cert_file, two_pairs / key).context()
    assert str(raised.value).endswith(f"[{code}]")
    assert "\n" not in str(raised.value)


def test_an_authority_file_without_a_certificate_is_named(tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    file.write_text("nothing", encoding="utf-8")
    with pytest.raises(CredentialsError, match=r"ca\.crt: holds no certificate .*ca_file_unusable"):
        Credentials(file).context()


def test_a_key_with_a_passphrase_is_refused_without_asking(
    authority: Authority, tmp_path: Path
) -> None:
    certificate, key = authority.issue("locked")
    locked = tmp_path / "locked.key"
    command = ["openssl", "pkey", "-in", str(key), "-aes256", "-passout", "pass:x", "-out"]
    subprocess.run([*command, str(locked)], check=True, capture_output=True, timeout=60)
    with pytest.raises(CredentialsError, match=r"passphrase.*\[key_encrypted\]"):
        Credentials(None, certificate, locked).context()
