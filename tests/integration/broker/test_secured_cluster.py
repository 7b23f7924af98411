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
from fluid.client import Backoff, ResendPolicy
from fluid.messages import AgentState, Presence, Role
from fluid.processes import stop
from fluid.topics import Topics
from tests.integration.broker.secured import SecuredBroker
from tests.integration.harness.load import Load
from tests.integration.harness.oracle import Oracle
from tests.processes import wait_until
from tests.rights.session import Session

pytestmark = pytest.mark.secured

if TYPE_CHECKING:
    from trainer.data import Dataset

TIMEOUT_S = 60.0  # only to end a failing test
EXIT_REFUSED = 3
USERS = {
    "alice": "alices",
    "bob": "bobs",
    "operator": "operators",
    "homeassistant": "home assistants",
}
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    with SecuredBroker(tmp_path_factory.mktemp("broker"), users=USERS) as broker:
        yield broker


@pytest.fixture
def start(broker: SecuredBroker, bundle_folder: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts the agent of a device, with more variables; its log is the file of its name."""
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef0123456789abcdef", encoding="ascii")
    started: list[subprocess.Popen[bytes]] = []

    def run(name: str, **more: str) -> "subprocess.Popen[bytes]":
        variables = {
            **device_variables(broker, name),
            "FLUID_ID": name,
            "FLUID_BUNDLE": str(bundle_folder),
            "FLUID_SESSION_SECRET_FILE": str(secret),
            **more,
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


def operator_variables(broker: SecuredBroker) -> dict[str, str]:
    ca = str(broker.authority.certificate)
    return {"FLUID_BROKER": url_of(broker, "operator"), "FLUID_CA_FILE": ca}


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
    assert fluid(operator_variables(broker), "mode", "ht").exit_code == 0


def test_who_joins_the_share_by_its_plain_name_takes_no_request_away(
    broker: SecuredBroker, start: Start, digits: "Dataset"
) -> None:
    start("pi-1")
    on_the_device = device_variables(broker, "pi-1")
    assert fluid(on_the_device, "status", "--wait", "1").exit_code == 0
    assert fluid(operator_variables(broker), "mode", "ht").exit_code == 0
    assert fluid(on_the_device, "status", "--wait", "1").exit_code == 0
    image = digits.test.images[0].tobytes()
    with Session(broker.user("bob")) as bob, Session(broker.user("alice")) as alice:
        bob.subscribe("$share/fluid/fluid/infer/#")
        alice.subscribe("fluid/result/alice/#")
        # Each at its turn would have half of them.
        ids = [f"{number}" for number in range(10)]
        for name in ids:
            alice.publish(f"fluid/infer/alice/{name}", image)
        topics = {alice.next_message()[0] for _ in ids}
    assert topics == {f"fluid/result/alice/{name}" for name in ids}


@pytest.mark.parametrize(
    ("mode", "victim", "survivor"), [("ht", "pi-1", "pi-2"), ("ha", "pi-2", "pi-1")]
)
def test_nothing_is_lost_when_a_device_is_killed(
    broker: SecuredBroker,
    start: Start,
    oracle: Oracle,
    tmp_path: Path,
    mode: str,
    victim: str,
    survivor: str,
) -> None:
    """With its own certificate, the survivor empties a session whose name needs the secret."""
    agents = {"pi-1": start("pi-1", FLUID_ROLE="master"), "pi-2": start("pi-2")}
    on_the_device = device_variables(broker, survivor)
    assert fluid(on_the_device, "status", "--wait", "2").exit_code == 0
    assert fluid(operator_variables(broker), "mode", mode).exit_code == 0
    assert fluid(on_the_device, "status", "--wait", "2").exit_code == 0
    never = ResendPolicy(unanswered=Backoff(first_s=3600.0, greatest_s=3600.0))
    url, ca = url_of(broker, "alice"), broker.authority.certificate
    with FluidClient(url, ca_file=ca, resend=never) as client, Load(client, oracle) as load:
        agents[victim].kill()
        log = tmp_path / survivor
        done = f"adoption_finished agent={victim}"
        wait_until(lambda: done in log.read_text(encoding="utf-8"))
        load.wait_for_answer_by((survivor,))
        load.wait_for_more(300)
        results = load.finish()
    assert {result.mode for result in results} == {mode}
    assert {victim, survivor} == {device for result in results for device in result.devices}
    assert "refused" not in log.read_text(encoding="utf-8")


def test_a_device_that_is_gone_is_forgotten_by_an_operator_and_not_by_a_device(
    broker: SecuredBroker, start: Start, tmp_path: Path
) -> None:
    topics = Topics()
    gone = Presence("pi-5", AgentState.OFFLINE, Role.WORKER, 10, 1, bundle="abc")
    kept = {
        topics.presence("pi-5"): gone.encode(),
        topics.term("pi-5"): b"1",
        topics.attempt("pi-5"): bytes(16),
        topics.condemned("pi-5"): bytes(16),
    }
    with Session(broker.device("pi-5")) as device:
        assert {device.publish(*each, retain=True) for each in kept.items()} <= {0, 0x10}
    start("pi-1", FLUID_FORGET_AFTER="0.1s")
    log = tmp_path / "pi-1"
    wait_until(lambda: "forget_refused agent=pi-5" in log.read_text(encoding="utf-8"))
    on_the_device = device_variables(broker, "pi-1")
    refused = fluid(on_the_device, "forget", "pi-5")
    assert refused.exit_code == 1
    assert refused.stderr.endswith("[forget_refused]\n")
    operator = operator_variables(broker)
    assert "[agent_online]" in fluid(operator, "forget", "pi-1").stderr
    forgotten = fluid(operator, "forget", "pi-5")
    assert (forgotten.exit_code, forgotten.stdout) == (0, "pi-5 is forgotten\n")
    with Session(broker.user("operator")) as session:
        session.subscribe(*kept, "fluid/result/operator/end")
        session.publish("fluid/result/operator/end")
        assert session.messages_until("fluid/result/operator/end") == []
    text = log.read_text(encoding="utf-8")
    assert text.count("forget_refused agent=pi-5") == 1
    assert "peer_forgotten agent=pi-5" not in text


def test_home_assistant_sees_devices_sets_the_mode_and_forgets_whom_an_operator_forgets(
    broker: SecuredBroker, start: Start, tmp_path: Path
) -> None:
    configs = {name: f"homeassistant/device/fluid-{name}/config" for name in ("pi-1", "pi-5")}
    with Session(broker.device("pi-5")) as device:
        gone = Presence("pi-5", AgentState.OFFLINE, Role.WORKER, 10, 1, bundle="abc")
        device.publish(Topics().presence("pi-5"), gone.encode(), retain=True)
        device.publish(configs["pi-5"], b"{}", retain=True)
    with Session(broker.user("homeassistant")) as home:
        home.subscribe("homeassistant/#", "fluid/state/pi-1", "fluid/cluster", "fluid/infer/#")
        start("pi-1", FLUID_HOME_ASSISTANT="true")
        cluster = "homeassistant/device/fluid/cluster/config"
        awaited = {configs["pi-1"], cluster, "fluid/state/pi-1"}
        while awaited:
            awaited.discard(home.next_message()[0])
        home.publish("homeassistant/status", b"online")
        home.publish("fluid/mode/set", b"ht")
        while (message := home.next_message())[0] != "fluid/cluster" or b'"ht"' not in message[1]:
            pass
        assert fluid(operator_variables(broker), "forget", "pi-5").exit_code == 0
        while home.next_message() != (configs["pi-5"], b""):
            pass
    assert "home_assistant_" not in (tmp_path / "pi-1").read_text(encoding="utf-8")


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
