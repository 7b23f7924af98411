"""The checks that need no broker, each for itself."""

import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge_agent.doctor import network
from edge_agent.doctor.bundle import check_bundle
from edge_agent.doctor.certificates import check_certificates
from edge_agent.doctor.clock import check_clock
from edge_agent.doctor.finding import Finding, Status, worst
from edge_agent.doctor.interpreter import check_interpreter
from edge_agent.doctor.secret import check_secret
from fluid.bundle import Bundle
from fluid.bus.mqtt import BrokerAddress, Credentials
from fluid.bus.mqtt.certificates import Validity, read_own
from tests.integration.broker.authority import Authority
from tests.processes import free_port

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_a_finding_is_a_line_and_an_object() -> None:
    finding = Finding("port", Status.FAILED, "nobody listens", "mqtt://hall:1883")
    assert str(finding) == "failed   port of mqtt://hall:1883: nobody listens"
    assert finding.to_json() == {
        "check": "port",
        "status": "failed",
        "message": "nobody listens",
        "broker": "mqtt://hall:1883",
    }
    assert "broker" not in Finding("clock", Status.OK, "it is").to_json()


def test_the_worst_counts() -> None:
    findings = [Finding("a", status, "") for status in Status]
    assert [worst(findings), worst(findings[:2]), worst(findings[:1])] == [
        Status.FAILED,
        Status.WARNING,
        Status.OK,
    ]


class TestBundle:
    def test_a_bundle_is_named_with_its_digest(self, bundle: Bundle, bundle_folder: Path) -> None:
        finding, loaded = check_bundle(bundle_folder)
        assert finding.status is Status.OK
        assert bundle.digest[:12] in finding.message
        assert loaded is not None

    def test_a_folder_without_one_is_named(self, tmp_path: Path) -> None:
        finding, loaded = check_bundle(tmp_path)
        assert (finding.status, loaded) == (Status.FAILED, None)
        assert str(tmp_path) in finding.message

    def test_its_models_are_run(self, bundle: Bundle) -> None:
        finding, package = check_interpreter(bundle)
        assert finding.status is Status.OK
        assert f"ran each of the {len(bundle.models)} models" in finding.message
        assert package is not None

    def test_a_model_that_cannot_be_run_is_named(self, bundle: Bundle) -> None:
        broken = Bundle(bundle.manifest, dict.fromkeys(bundle.models, b"no model"))
        finding, package = check_interpreter(broken)
        assert (finding.status, package) == (Status.FAILED, None)
        assert "cannot run the bundle" in finding.message

    def test_without_a_bundle_the_interpreter_is_only_found(self) -> None:
        finding, package = check_interpreter(None)
        assert finding.status is Status.WARNING
        assert package is not None


class TestClock:
    def test_a_clock_that_is_within_all_certificates_is_taken_as_right(self) -> None:
        known = Validity("pi-1", datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
        assert check_clock([known], now=NOW) == Finding(
            "clock", Status.OK, "it is 2026-06-01 12:00 UTC"
        )

    def test_a_clock_before_a_certificate_was_issued_is_behind(self) -> None:
        known = Validity("pi-1", datetime(2026, 7, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
        finding = check_clock([known], now=NOW)
        assert finding.status is Status.FAILED
        assert "'pi-1' is valid since 2026-07-01: the clock is behind" in finding.message

    def test_a_clock_that_begins_at_1970_is_behind_whatever_is_known(self) -> None:
        finding = check_clock([], now=datetime(1970, 1, 1, 0, 5, tzinfo=UTC))
        assert finding.status is Status.FAILED
        assert "1970-01-01 00:05 UTC" in finding.message


class TestSecret:
    def test_none_matters_only_where_others_are_kept_out(self) -> None:
        assert check_secret(None, guarded=False)[0].status is Status.OK
        warning, secret = check_secret(None, guarded=True)
        assert (warning.status, secret) == (Status.WARNING, b"")
        assert "--session-secret-file" in warning.message

    @pytest.mark.parametrize(
        ("content", "mode", "status"),
        [
            (b"0123456789abcdef", 0o600, Status.OK),
            (b"0123456789abcdef", 0o640, Status.OK),
            (b"0123456789abcdef", 0o644, Status.WARNING),
            (b"0-1-2-3", 0o600, Status.FAILED),
        ],
    )
    def test_a_file_is_looked_at(
        self, tmp_path: Path, content: bytes, mode: int, status: Status
    ) -> None:
        file = tmp_path / "secret"
        file.write_bytes(content)
        file.chmod(mode)
        finding, secret = check_secret(file, guarded=True)
        assert finding.status is status
        assert secret == (b"" if status is Status.FAILED else content)
        assert content.decode() not in finding.message


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki") / "authority")


class TestCertificates:
    @pytest.fixture
    def device(self, authority: Authority) -> Credentials:
        pair = authority.issue("pi-1")
        pair[1].chmod(0o640)
        return Credentials(authority.certificate, *pair)

    def statuses(self, known: Credentials, agent: str, now: datetime) -> dict[str, Status]:
        found = check_certificates(known, agent, now=now)
        return {each.check: each.status for each in found}

    @pytest.fixture
    def moment(self, device: Credentials) -> Callable[[float], datetime]:
        """A moment of the certificate's life: 0 for its beginning, 1 for its end."""
        own = read_own(device)
        assert own is not None
        return lambda share: own.not_before + share * (own.not_after - own.not_before)

    def test_a_device_whose_files_fit(
        self, device: Credentials, moment: Callable[[float], datetime]
    ) -> None:
        # They are made for less than the 30 days before whose end one is warned.
        found = self.statuses(device, "pi-1", moment(-0.1))
        assert found == dict.fromkeys(("authority", "certificate", "key"), Status.OK)
        assert self.statuses(device, "pi-1", moment(0.5))["certificate"] is Status.WARNING
        assert self.statuses(device, "pi-1", moment(1.1))["certificate"] is Status.FAILED

    def test_the_name_has_to_be_the_agents(
        self, device: Credentials, moment: Callable[[float], datetime]
    ) -> None:
        found = check_certificates(device, "pi-2", now=moment(0))
        (finding,) = (each for each in found if each.check == "certificate")
        assert finding.status is Status.FAILED
        assert "is issued to 'pi-1', and this agent is 'pi-2'" in finding.message

    def test_a_key_that_every_user_may_read_is_a_warning(self, device: Credentials) -> None:
        assert device.key_file is not None
        device.key_file.chmod(0o644)
        assert self.statuses(device, "pi-1", NOW)["key"] is Status.WARNING

    def test_files_that_are_no_certificates_are_named(self, tmp_path: Path) -> None:
        (tmp_path / "ca.crt").write_text("no", encoding="ascii")
        known = Credentials(tmp_path / "ca.crt", tmp_path / "none.crt")
        failed = check_certificates(known, "pi-1", now=NOW)
        assert {each.status for each in failed} == {Status.FAILED}
        assert all(str(tmp_path) in each.message for each in failed)

    def test_without_files_there_is_nothing_to_say(self) -> None:
        assert check_certificates(Credentials(), "pi-1", now=NOW) == []


class TestNetwork:
    def test_a_name_without_an_address(self) -> None:
        finding = network.check_name(BrokerAddress("no-such-host.invalid"))
        assert finding.status is Status.FAILED
        assert "no-such-host.invalid has no address" in finding.message

    def test_an_address_is_shown(self) -> None:
        finding = network.check_name(BrokerAddress("127.0.0.1"))
        assert (finding.status, finding.message) == (Status.OK, "127.0.0.1")

    def test_a_port_at_which_nobody_listens(self) -> None:
        finding = network.check_port(BrokerAddress("127.0.0.1", free_port()))
        assert finding.status is Status.FAILED
        assert "nobody listens" in finding.message

    def test_a_port_that_is_open(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = BrokerAddress("127.0.0.1", listener.getsockname()[1])
            assert network.check_port(address).status is Status.OK

    @pytest.mark.parametrize(
        ("host", "status"), [("127.0.0.1", Status.OK), ("hall", Status.WARNING)]
    )
    def test_to_speak_in_the_clear_matters_only_beyond_this_device(
        self, host: str, status: Status
    ) -> None:
        assert network.check_tls(BrokerAddress(host), Credentials()).status is status
