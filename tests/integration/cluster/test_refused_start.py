"""An agent that cannot serve says why in one line, and ends with a status that tells the cause."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from broker import LocalBroker
from broker.configuration import render
from fluid import FluidClient
from fluid.messages import Mode
from tests.integration.harness.agents import TIMEOUT_S, AgentProcess
from tests.integration.harness.cluster import MASTER, WORKER, Cluster
from tests.integration.harness.load import Load
from tests.integration.harness.oracle import Oracle
from tests.processes import wait_until

EXIT_UNUSABLE, EXIT_REFUSED, EXIT_DUPLICATE = 2, 3, 4
USER, PASSWORD = "device", "s3cret-of-devices"


# Each spoils a bundle's folder and returns the file that is at fault.


def _lose_a_model(folder: Path) -> Path:
    model = folder / "upper50.tflite"
    model.unlink()
    return model


def _flip_a_bit(folder: Path) -> Path:
    model = folder / "lower50.tflite"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    return model


def _come_from_the_future(folder: Path) -> Path:
    manifest = folder / "bundle.json"
    document = json.loads(manifest.read_text(encoding="utf-8"))
    document["format_version"] = 99
    manifest.write_text(json.dumps(document), encoding="utf-8")
    return manifest


def _break_the_manifest(folder: Path) -> Path:
    manifest = folder / "bundle.json"
    manifest.write_text("{", encoding="utf-8")
    return manifest


def _be_a_file(folder: Path) -> Path:
    shutil.rmtree(folder)
    folder.write_text("a file", encoding="utf-8")
    return folder


def _be_absent(folder: Path) -> Path:
    shutil.rmtree(folder)
    return folder


@pytest.mark.parametrize(
    "spoil",
    [
        _lose_a_model,
        _flip_a_bit,
        _come_from_the_future,
        _break_the_manifest,
        _be_a_file,
        _be_absent,
    ],
)
def test_a_spoilt_bundle_is_refused_with_one_line_that_names_the_file(
    bundle_folder: Path, tmp_path: Path, spoil: Callable[[Path], Path]
) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(bundle_folder, folder)
    at_fault = spoil(folder)
    ended = subprocess.run(
        [sys.executable, "-m", "edge_agent", "--id", "spoilt", "--bundle", str(folder)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert ended.returncode == EXIT_UNUSABLE
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: ")
    assert str(at_fault) in line


@pytest.fixture
def start_agent(bundle_folder: Path, tmp_path: Path) -> Iterator[Callable[[str], AgentProcess]]:
    """Starts one agent for a broker's address."""
    agents: list[AgentProcess] = []

    def start(url: str) -> AgentProcess:
        options = ["--id", "lonely", "--broker", url, "--bundle", str(bundle_folder)]
        agents.append(AgentProcess(options, log=tmp_path / "lonely.log"))
        agents[-1].start()
        return agents[-1]

    yield start
    for agent in agents:
        agent.close()
        sys.stdout.write(agent.log)  # pytest shows it with a test that has failed


def test_an_unknown_host_name_is_said_and_tried_again_until_the_agent_is_stopped(
    start_agent: Callable[[str], AgentProcess],
) -> None:
    agent = start_agent("mqtt://no-such-host.invalid")
    agent.wait_until_it_logs("no such host: no-such-host.invalid", times=3)
    assert agent.leave() == 0


@pytest.fixture(scope="module")
def guarded_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalBroker]:
    """A broker that knows one user; whoever gives no name is let in as before."""
    file = tmp_path_factory.mktemp("broker") / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(file), USER, PASSWORD], check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "broker.launcher.render",
            lambda options: render({**options, "password_file": str(file)}),
        )
        with LocalBroker() as guarded:
            yield guarded


@pytest.mark.parametrize("credentials", [f"{USER}:wrong", f"stranger:{PASSWORD}"])
def test_wrong_credentials_end_an_agent_with_one_line(
    guarded_broker: LocalBroker,
    start_agent: Callable[[str], AgentProcess],
    credentials: str,
) -> None:
    agent = start_agent(f"mqtt://{credentials}@127.0.0.1:{guarded_broker.port}")
    assert agent.wait_for_end() == EXIT_REFUSED
    (line,) = agent.errors
    assert f"127.0.0.1:{guarded_broker.port}" in line
    assert "Traceback" not in agent.log


def test_right_credentials_are_accepted_and_never_logged(
    guarded_broker: LocalBroker, start_agent: Callable[[str], AgentProcess]
) -> None:
    agent = start_agent(f"mqtt://{USER}:{PASSWORD}@127.0.0.1:{guarded_broker.port}")
    agent.wait_until_it_logs("link_opened link=infer")
    assert agent.leave() == 0
    assert PASSWORD not in agent.log


def test_a_second_agent_under_an_id_in_use_ends_and_the_first_is_not_disturbed(
    cluster: Cluster, client: FluidClient, oracle: Oracle
) -> None:
    cluster.assemble(Mode.HA)
    troubles = len(_troubles(cluster))
    with Load(client, oracle) as load:
        second = cluster.agent("second", role=WORKER, agent_id=WORKER)
        try:
            second.start()
            assert second.wait_for_end() == EXIT_DUPLICATE
        finally:
            second.close()
        (line,) = second.errors
        assert f"'{WORKER}'" in line
        load.wait_for_more(300)
        results = load.finish()
    assert {result.devices for result in results} == {(MASTER, WORKER)}
    assert len(_troubles(cluster)) == troubles


def test_of_two_agents_that_start_at_once_under_one_id_one_ends_and_one_serves(
    cluster: Cluster, client: FluidClient, oracle: Oracle
) -> None:
    cluster[WORKER].close()
    cluster[MASTER].close()
    cluster[MASTER].start()
    twins = [cluster.agent(f"twin-{number}", role=WORKER, agent_id=WORKER) for number in (1, 2)]
    try:
        for twin in twins:
            twin.start()
        wait_until(
            lambda: any(twin.has_ended for twin in twins),
            timeout_s=TIMEOUT_S,
            what="neither of the twins has ended",
        )
        (loser,) = (twin for twin in twins if twin.has_ended)
        assert loser.wait_for_end() == EXIT_DUPLICATE
        assert len(loser.errors) == 1
        cluster.wait_until_formed(Mode.HA)
        for index, answer in enumerate(client.infer_many(oracle.images[:100])):
            oracle.check(answer.result(), index)
        assert [twin.has_ended for twin in twins if twin is not loser] == [False]
    finally:
        for twin in twins:
            twin.close()


def _troubles(cluster: Cluster) -> list[str]:
    """What the two agents have warned of."""
    logs = "\n".join(cluster[agent].log for agent in (MASTER, WORKER))
    return re.findall(r"^.* (?:WARNING|ERROR) .*$", logs, flags=re.MULTILINE)
