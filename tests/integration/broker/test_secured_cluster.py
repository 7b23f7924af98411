"""An agent with its certificate and a requester with a password, at a broker as we ship it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from fluid import BrokerRefused, FluidClient
from fluid.cli import main
from fluid.processes import stop
from tests.integration.broker.secured import SecuredBroker
from tests.processes import wait_until

if TYPE_CHECKING:
    from trainer.data import Dataset

TIMEOUT_S = 60.0  # only to end a failing test
EXIT_REFUSED = 3
USERS = {"alice": "alices", "operator": "operators"}
Start = Callable[[str], "subprocess.Popen[bytes]"]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    with SecuredBroker(tmp_path_factory.mktemp("broker"), users=USERS) as broker:
        yield broker


@pytest.fixture
def start(broker: SecuredBroker, bundle_folder: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts the agent of a device; its log is the file of its name."""
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef0123456789abcdef", encoding="ascii")
    started: list[subprocess.Popen[bytes]] = []

    def run(name: str) -> "subprocess.Popen[bytes]":
        variables = {
            **device_variables(broker, name),
            "FLUID_ID": name,
            "FLUID_BUNDLE": str(bundle_folder),
            "FLUID_SESSION_SECRET_FILE": str(secret),
        }
        with (tmp_path / name).open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "edge_agent"], env={**os.environ, **variables}, stderr=log
            )
        started.append(process)
        return process

    yield run
    for process in started:
        stop(process)


def device_variables(broker: SecuredBroker, name: str) -> dict[str, str]:
    device = broker.device(name)
    return {
        "FLUID_BROKER": f"mqtts://127.0.0.1:{broker.devices_port}",
        "FLUID_CA_FILE": str(device.ca),
        "FLUID_CERT_FILE": str(device.certificate),
        "FLUID_KEY_FILE": str(device.key),
    }


def url_of(broker: SecuredBroker, user: str, password: str | None = None) -> str:
    return f"mqtts://{user}:{password or USERS[user]}@127.0.0.1:{broker.clients_port}"


def fluid(variables: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, env=variables)


def test_a_requester_is_answered_and_an_operator_and_the_device_see_the_cluster(
    broker: SecuredBroker, start: Start, digits: "Dataset"
) -> None:
    ca = broker.authority.certificate
    start("pi-1")
    on_the_device = device_variables(broker, "pi-1")
    shown = fluid(on_the_device, "status", "--wait", "1", "--json")
    assert shown.exit_code == 0, shown.output
    (member,) = json.loads(shown.stdout)["members"]
    assert (member["agent"], member["state"]) == ("pi-1", "online")
    with FluidClient(url_of(broker, "alice"), ca_file=ca, timeout_s=TIMEOUT_S) as client:
        result = client.infer(digits.test.images[0])
    assert result.devices == ("pi-1",)
    operator = {"FLUID_BROKER": url_of(broker, "operator"), "FLUID_CA_FILE": str(ca)}
    assert fluid(operator, "mode", "ht").exit_code == 0


def test_a_revoked_device_is_refused_says_why_and_ends(
    broker: SecuredBroker, start: Start, tmp_path: Path
) -> None:
    broker.device("pi-8")
    broker.revoke("pi-8")
    broker.restart()
    assert start("pi-8").wait(TIMEOUT_S) == EXIT_REFUSED
    line = (tmp_path / "pi-8").read_text(encoding="utf-8").splitlines()[-1]
    assert line.startswith("error: mqtts://127.0.0.1:")
    assert "our certificate is revoked" in line


def test_a_running_device_that_is_revoked_goes_on_trying_and_says_why(
    broker: SecuredBroker, start: Start, tmp_path: Path
) -> None:
    agent = start("pi-7")
    log = tmp_path / "pi-7"
    wait_until(lambda: "link=infer" in log.read_text(encoding="utf-8"))
    broker.revoke("pi-7")
    broker.restart()
    wait_until(lambda: "our certificate is revoked" in log.read_text(encoding="utf-8"))
    assert agent.poll() is None


def test_wrong_credentials_are_told_to_a_client_at_once(broker: SecuredBroker) -> None:
    ca = broker.authority.certificate
    with pytest.raises(BrokerRefused, match="Not authorized"):
        FluidClient(url_of(broker, "alice", "guess"), ca_file=ca).connect()
    with pytest.raises(BrokerRefused, match="asks for a certificate"):
        FluidClient(f"mqtts://127.0.0.1:{broker.devices_port}", ca_file=ca).connect()
    with pytest.raises(BrokerRefused, match="untrusted certificate"):
        FluidClient(url_of(broker, "alice")).connect()
