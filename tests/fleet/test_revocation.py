"""A device whose certificate is revoked is out, and says so; the others carry on."""

from dataclasses import dataclass

import pytest

from tests.fleet.device import POLL_S
from tests.fleet.fleet import Fleet
from tests.fleet.pki import agent_credentials
from tests.fleet.playbook import Run
from tests.fleet.reference import Reference
from tests.fleet.stream import traffic
from tests.fleet.watch import wait_until_serving
from tests.processes import wait_until
from tests.rights.session import Credentials, Refused, Session

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(1200)]


@dataclass(frozen=True, slots=True)
class Revoked:
    """A device that is out: its name, what it had, and the run that took it out."""

    name: str
    credentials: Credentials
    run: Run


@pytest.fixture(scope="module")
def revoked(deployed: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Revoked:
    name = deployed.names.workers[-1]
    kept = tmp_path_factory.mktemp("kept")
    credentials = agent_credentials(deployed, name)
    assert credentials.certificate is not None
    assert credentials.key is not None
    certificate, key = kept / "agent.crt", kept / "agent.key"
    certificate.write_bytes(credentials.certificate.read_bytes())
    key.write_bytes(credentials.key.read_bytes())
    inventory = deployed.write_inventory(
        deployed.folder / "revoking", variables={"fluid_revoked": [name]}
    )
    run = deployed.playbooks.run("deploy.yml", inventory)
    return Revoked(
        name,
        Credentials(
            credentials.port,
            credentials.ca,
            host=credentials.host,
            certificate=certificate,
            key=key,
        ),
        run,
    )


def test_its_certificate_is_refused(revoked: Revoked) -> None:
    revoked.run.expect_success()
    with pytest.raises(Refused), Session(revoked.credentials):
        pass


def test_the_others_carry_on(deployed: Fleet, revoked: Revoked, reference: Reference) -> None:
    others = tuple(each for each in deployed.names.agents if each != revoked.name)
    wait_until_serving(deployed, others)
    with traffic(deployed, reference) as run:
        run.wait_for_more(20)
    assert all(revoked.name not in record.devices for record in run.records)


def test_it_says_why_it_is_out(deployed: Fleet, revoked: Revoked) -> None:
    device = deployed[revoked.name]
    device.run("systemctl restart --no-block fluid-agent")
    wait_until(
        lambda: "revoked" in device.run("journalctl --no-pager -n 50 -u fluid-agent"),
        timeout_s=120,
        what="its log does not say that its certificate is revoked",
        poll_s=POLL_S,
    )
