"""`edge-agent doctor` at a real broker with the files that we ship, with and without an agent."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge_agent.cli import main
from tests.integration.broker.authority import Authority
from tests.integration.broker.secured import SecuredBroker
from tests.processes import wait_until
from tests.rights.session import Session

pytestmark = pytest.mark.secured


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    with SecuredBroker(tmp_path_factory.mktemp("broker"), users={"alice": "alice's"}) as broker:
        yield broker


def variables(broker: SecuredBroker, bundle: Path, name: str, folder: Path) -> dict[str, str]:
    """What a device has in its file, if all is well."""
    device = broker.device(name)
    secret = folder / "session-secret"
    secret.write_text("0123456789abcdef0123456789abcdef", encoding="ascii")
    secret.chmod(0o600)
    assert device.key is not None
    device.key.chmod(0o600)
    return {
        "FLUID_ID": name,
        "FLUID_BROKER": f"mqtts://127.0.0.1:{broker.devices_port}",
        "FLUID_BUNDLE": str(bundle),
        "FLUID_CA_FILE": str(device.ca),
        "FLUID_CERT_FILE": str(device.certificate),
        "FLUID_KEY_FILE": str(device.key),
        "FLUID_SESSION_SECRET_FILE": str(secret),
    }


def examined(known: Mapping[str, str]) -> tuple[Result, dict[str, dict[str, str]]]:
    """The outcome, and what was found by the names of the checks."""
    result = CliRunner().invoke(main, ["doctor", "--json"], env=known)
    document = json.loads(result.stdout)
    return result, {each["check"]: each for each in document["findings"]}


class TestWithoutAnAgent:
    @pytest.fixture
    def well(self, broker: SecuredBroker, bundle_folder: Path, tmp_path: Path) -> dict[str, str]:
        return variables(broker, bundle_folder, "pi-1", tmp_path)

    def test_all_is_well(self, well: dict[str, str]) -> None:
        # Certificates of tests end in 30 days, which is soon.
        result, found = examined(well)
        soon = {"authority", "certificate", "tls"}
        statuses = {name: each["status"] for name, each in found.items() if name not in soon}
        assert set(statuses.values()) == {"ok"}, found
        assert list(found) == [
            "bundle",
            "interpreter",
            "options",
            "authority",
            "certificate",
            "key",
            "clock",
            "session secret",
            "name",
            "port",
            "tls",
            "connection",
            "rights",
        ]
        assert result.exit_code in (0, 3)

    def test_a_certificate_of_another_name_may_write_nothing_of_this_one(
        self, well: dict[str, str]
    ) -> None:
        result, found = examined({**well, "FLUID_ID": "pi-2"})
        assert result.exit_code == 1
        assert "is issued to 'pi-1', and this agent is 'pi-2'" in found["certificate"]["message"]
        assert found["rights"]["status"] == "failed"
        assert "write fluid/term/pi-2" in found["rights"]["message"]
        assert "fluid/presence/pi-2" in found["rights"]["message"]

    def test_a_revoked_certificate_is_found_where_mqtt_begins(
        self, broker: SecuredBroker, bundle_folder: Path, tmp_path: Path
    ) -> None:
        known = variables(broker, bundle_folder, "pi-9", tmp_path)
        broker.revoke("pi-9")
        broker.restart()
        result, found = examined(known)
        assert result.exit_code == 1
        assert "our certificate is revoked" in found["connection"]["message"]
        assert "rights" not in found

    def test_a_refusal_says_what_to_do_and_keeps_the_client_id_s_secret_part(
        self, broker: SecuredBroker, well: dict[str, str]
    ) -> None:
        url = f"mqtts://127.0.0.1:{broker.clients_port}"
        result, found = examined({**well, "FLUID_BROKER": url})
        assert result.exit_code == 1
        message = found["connection"]["message"]
        assert "refused client 'fluid:pi-1:...:doctor:" in message
        assert "Not authorized" in message
        assert "port" in message

    def test_a_broker_of_another_authority_is_found_in_the_handshake(
        self, well: dict[str, str], tmp_path: Path
    ) -> None:
        other = Authority(tmp_path / "other", name="Another")
        result, found = examined({**well, "FLUID_CA_FILE": str(other.certificate)})
        assert result.exit_code == 1
        assert "untrusted certificate" in found["tls"]["message"]
        assert "connection" not in found

    def test_nothing_is_left_at_the_broker(
        self, broker: SecuredBroker, well: dict[str, str]
    ) -> None:
        examined(well)
        with Session(broker.device("pi-3")) as session:
            session.subscribe("fluid/#")
            session.subscribe("fluid/done")
            session.publish("fluid/done", b"the end")
            assert session.messages_until("fluid/done") == []


def test_a_running_agent_is_not_disturbed(
    broker: SecuredBroker, bundle_folder: Path, tmp_path: Path
) -> None:
    known = variables(broker, bundle_folder, "pi-5", tmp_path)
    log = tmp_path / "log"
    with log.open("wb") as stream:
        agent = subprocess.Popen(
            [sys.executable, "-m", "edge_agent", "--verbose"], env=known, stderr=stream
        )
    try:
        wait_until(lambda: "link=infer" in log.read_text(encoding="utf-8"))
        before = log.read_text(encoding="utf-8")
        _, found = examined(known)
        assert found["rights"]["status"] == "ok", found
        assert "an agent of this id runs" in found["rights"]["message"]
        assert agent.poll() is None
        said = log.read_text(encoding="utf-8").removeprefix(before)
        assert not any(word in said for word in ("WARNING", "ERROR", "request_", "malformed"))
    finally:
        agent.terminate()
        assert agent.wait(60) == 0
