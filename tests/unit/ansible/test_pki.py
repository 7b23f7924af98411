"""The role pki, on this machine and in a temporary folder."""

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.ansible.loading import ANSIBLE
from tests.unit.ansible.playbooks import run_play

pytestmark = pytest.mark.secured

SHARED = yaml.safe_load((ANSIBLE / "group_vars" / "all" / "main.yml").read_text(encoding="utf-8"))


@dataclass
class Authority:
    folder: Path
    outputs: list[str] = field(default_factory=list)

    def run(self, **variables: Any) -> int:
        """The status of a run that issues a certificate to the agent `pi`."""
        variables = SHARED | {
            "fluid_pki_dir": str(self.pki),
            "fluid_cache_dir": str(self.folder / "cache"),
            "fluid_broker_hosts": [],
            "fluid_agent_hosts": ["pi"],
            **variables,
        }
        role = {"ansible.builtin.import_role": {"name": "pki"}}
        status, output = run_play(self.folder, [role], variables)
        self.outputs.append(output)
        return status

    @property
    def pki(self) -> Path:
        return self.folder / "pki"

    @property
    def said(self) -> str:
        return self.outputs[-1]

    def files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.pki)): path.read_bytes()
            for path in self.pki.rglob("*")
            if path.is_file()
        }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    first = Authority(tmp_path_factory.mktemp("made"))
    assert first.run() == 0, first.said
    return first


@pytest.fixture
def authority(made: Authority, tmp_path: Path) -> Authority:
    """One of each test's own that is made already, without a passphrase."""
    shutil.copytree(made.pki, tmp_path / "pki")
    return Authority(tmp_path)


def test_a_second_run_changes_nothing(authority: Authority) -> None:
    before = authority.files()
    assert set(before) == {"ca.key", "ca.crt", "crl.pem", "agents/pi.key", "agents/pi.crt"}
    assert authority.run() == 0, authority.said
    assert authority.files() == before


def test_a_revoked_id_that_no_certificate_was_issued_to_is_said(authority: Authority) -> None:
    assert authority.run(fluid_revoked=["pj"]) == 0, authority.said
    assert "No certificate of pj was ever issued" in authority.said
    assert (authority.pki / "agents" / "pi.crt").exists()


def test_a_mistyped_or_missing_passphrase_never_replaces_the_key(tmp_path: Path) -> None:
    locked = Authority(tmp_path)
    assert locked.run(pki_passphrase="what opens it") == 0, locked.said  # noqa: S106 - of a test
    before = locked.files()
    assert locked.run(pki_passphrase="mistyped") != 0  # noqa: S106
    assert "pki_passphrase does not open" in locked.said
    assert locked.run() != 0
    assert "ca.key is locked: set pki_passphrase" in locked.said
    assert locked.files() == before


def test_a_passphrase_that_is_set_later_never_replaces_the_key(authority: Authority) -> None:
    before = authority.files()
    assert authority.run(pki_passphrase="set later") != 0  # noqa: S106
    assert "ca.key is not locked, and pki_passphrase is set" in authority.said
    assert authority.files() == before


def test_a_key_that_is_locked_by_hand_is_the_same_authority(authority: Authority) -> None:
    before = authority.files()
    lock = ["openssl", "pkey", "-aes256", "-in", "ca.key", "-out", "locked.key"]
    subprocess.run([*lock, "-passout", "pass:what opens it"], cwd=authority.pki, check=True)
    (authority.pki / "locked.key").replace(authority.pki / "ca.key")
    assert authority.run(pki_passphrase="what opens it") == 0, authority.said  # noqa: S106
    after = authority.files()
    assert {name for name in before if after[name] != before[name]} == {"ca.key"}
    assert b"ENCRYPTED" in after["ca.key"]


def test_a_key_that_is_gone_is_not_made_anew(authority: Authority) -> None:
    (authority.pki / "ca.key").unlink()
    before = authority.files()
    assert authority.run() != 0
    assert "is there without its ca.key" in authority.said
    assert authority.files() == before


def test_what_ends_soon_is_renewed_once_and_the_keys_are_not(authority: Authority) -> None:
    """The list of revoked certificates, too: once it has ended, a broker refuses all devices."""
    longer = {"pki_authority_days": 5000, "pki_certificate_days": 5000, "pki_renew_days": 4000}
    before = authority.files()
    assert authority.run(**longer) == 0, authority.said
    after = authority.files()
    assert {name for name in before if after[name] != before[name]} == {
        "ca.crt",
        "crl.pem",
        "agents/pi.crt",
    }
    assert authority.run(**longer) == 0, authority.said
    assert authority.files() == after


def test_certificates_that_each_run_would_renew_are_refused(authority: Authority) -> None:
    assert authority.run(pki_certificate_days=90) != 0
    assert "pki_renew_days is 230, and certificates count for 90 days" in authority.said


def test_a_run_every_half_a_year_is_enough() -> None:
    """A run may come just before a certificate is due: the next one is in time even then."""
    defaults = (ANSIBLE / "roles" / "pki" / "defaults" / "main.yml").read_text(encoding="utf-8")
    settings = yaml.safe_load(defaults)
    half_a_year, warned = 184, 30
    assert settings["pki_renew_days"] > half_a_year + warned
    assert settings["pki_certificate_days"] - settings["pki_renew_days"] < half_a_year
