"""Two real agents at a real broker, as Home Assistant sees them: over MQTT and nothing else."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from broker import LocalBroker
from fluid import FluidClient
from fluid.bus import LinkOptions, Message, Subscription
from fluid.cli import main
from fluid.messages import Mode
from tests.integration.harness.agents import TIMEOUT_S, AgentProcess
from tests.integration.harness.cluster import AGENTS, MASTER, WORKER, Cluster
from tests.integration.harness.oracle import Oracle
from tests.processes import wait_until
from tests.recorder import Recorder
from tests.unit.edge_agent.home_assistant.documented import problems

CONFIGS = {name: f"homeassistant/device/fluid-{name}/config" for name in AGENTS}
OF_CLUSTER = "homeassistant/device/fluid/cluster/config"
FILTERS = ("homeassistant/#", "fluid/state/+", "fluid/presence/+", "fluid/cluster")
EVERYTHING = {*CONFIGS.values(), OF_CLUSTER}


class HomeAssistant:
    """Subscribes what Home Assistant does, and keeps the last message of each topic."""

    def __init__(self, cluster: Cluster) -> None:
        self._recorder = Recorder(cluster.bus, LinkOptions(f"home-assistant-{id(self):x}"))
        self._recorder.opened()
        self._recorder.subscribe(*(Subscription(each, qos=1) for each in FILTERS))
        self.last: dict[str, bytes] = {}
        self.heard: list[Message] = []

    def close(self) -> None:
        self._recorder.link.close()

    def listen(self) -> None:
        """Take in what has come."""
        for delivered in self._recorder.all_until_now():
            message = delivered.message
            self.heard.append(message)
            self.last[message.topic] = message.payload

    def devices(self) -> set[str]:
        """The topics of the devices that there are."""
        self.listen()
        found = {topic for topic, payload in self.last.items() if payload}
        return {topic for topic in found if topic.endswith("/config")}

    def config(self, topic: str) -> dict[str, Any]:
        self.listen()
        config: dict[str, Any] = json.loads(self.last[topic])
        return config

    def value(self, topic: str, field: str) -> Any:
        """A field of what was said last on a topic; None while nothing was."""
        self.listen()
        payload = self.last.get(topic)
        return json.loads(payload).get(field) if payload else None

    def is_available(self, topic: str) -> bool:
        """Whether Home Assistant would show a device as available."""
        (available,) = self.config(topic)["availability"]
        return bool(self.value(available["topic"], "state") == "online")

    def say(self, topic: str, payload: str) -> None:
        self._recorder.publish(Message(topic, payload.encode(), qos=1))


def _wait(condition: Callable[[], bool], what: str) -> None:
    wait_until(condition, timeout_s=TIMEOUT_S, what=what)


@pytest.fixture(scope="module")
def shown(bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster whose agents tell Home Assistant of themselves."""
    with (
        LocalBroker(persistence=True) as broker,
        Cluster(
            broker,
            bundle=bundle_folder,
            folder=tmp_path_factory.mktemp("agents"),
            more=["--home-assistant"],
        ) as cluster,
    ):
        yield cluster


@pytest.fixture
def home(shown: Cluster) -> Iterator[HomeAssistant]:
    """Connects when both agents serve."""
    shown.assemble(Mode.HA)
    home = HomeAssistant(shown)
    _wait(lambda: home.devices() == EVERYTHING, "not all devices are there")
    yield home
    home.close()


def test_the_devices_are_retained_and_as_home_assistant_documents_them(
    shown: Cluster, home: HomeAssistant
) -> None:
    late = HomeAssistant(shown)
    late.listen()
    retained = [each for each in late.heard if each.topic in EVERYTHING]
    late.close()
    assert {each.topic for each in retained} == EVERYTHING
    assert [each.retain for each in retained] == [True] * len(EVERYTHING)
    assert [problem for each in retained for problem in problems(each)] == []
    assert all(home.is_available(topic) for topic in EVERYTHING)


def test_throughput_latency_and_sub_network_arrive(
    shown: Cluster, home: HomeAssistant, oracle: Oracle
) -> None:
    with FluidClient(shown.broker.url) as client:
        for index in range(20):
            oracle.check(client.infer(oracle.image(index)), index)
    topics = [
        home.config(CONFIGS[name])["components"]["throughput"]["state_topic"] for name in AGENTS
    ]

    def answered() -> bool:
        """Who combines an image is a matter of its hash: one of the two at least did."""
        home.listen()
        reports = [json.loads(each.payload) for each in home.heard if each.topic in topics]
        return any(
            each["throughput"] > 0 and each["latency_ms"] > 0 and each["subnetwork"] == "100"
            for each in reports
        )

    _wait(answered, "no agent says that it answered")


def test_the_select_sets_the_mode_of_the_cluster(shown: Cluster, home: HomeAssistant) -> None:
    select = home.config(OF_CLUSTER)["components"]["mode"]

    def selected() -> str | None:
        value: str | None = home.value(select["state_topic"], "operator_mode")
        return value

    home.say(select["command_topic"], Mode.HT)
    _wait(lambda: selected() == Mode.HT, "the select does not show the mode that was set")
    shown.wait_until_formed(Mode.HT)
    home.say(select["command_topic"], Mode.AUTO)
    _wait(lambda: selected() == Mode.AUTO, "the select does not show that it was let go of")


def test_all_is_said_again_when_home_assistant_starts(home: HomeAssistant) -> None:
    home.listen()
    before = len(home.heard)
    home.say("homeassistant/status", "online")

    def said_again() -> bool:
        home.listen()
        again = {each.topic for each in home.heard[before:] if not each.retain}
        return again >= {*EVERYTHING, *(f"fluid/state/{name}" for name in AGENTS)}

    _wait(said_again, "not all is said again")


def test_a_killed_leader_is_unavailable_and_the_next_one_speaks_for_the_cluster(
    shown: Cluster, home: HomeAssistant
) -> None:
    shown[MASTER].kill()
    _wait(lambda: not home.is_available(CONFIGS[MASTER]), "the killed agent stays available")
    shown.wait_until_alone(WORKER)
    _wait(
        lambda: home.config(OF_CLUSTER)["availability"][0]["topic"] == f"fluid/presence/{WORKER}",
        "the new leader does not say the cluster",
    )
    assert home.is_available(OF_CLUSTER)
    assert home.is_available(CONFIGS[WORKER])
    assert home.devices() == EVERYTHING


def test_whom_the_cluster_forgets_home_assistant_forgets(
    shown: Cluster, home: HomeAssistant
) -> None:
    shown[WORKER].kill()
    shown.wait_until_alone(MASTER)
    result = CliRunner().invoke(main, ["forget", WORKER, "--broker", shown.broker.url])
    assert result.exit_code == 0, result.output
    _wait(
        lambda: home.devices() == EVERYTHING - {CONFIGS[WORKER]},
        "the discovery of a forgotten agent stays",
    )
    shown.assemble(Mode.HA)
    _wait(lambda: home.devices() == EVERYTHING, "it is not there again when it returns")


@pytest.fixture
def withdrawn(shown: Cluster, home: HomeAssistant) -> Iterator[AgentProcess]:
    """The worker, started again to be removed from Home Assistant."""
    assert home.devices() == EVERYTHING
    assert shown[WORKER].leave() == 0
    agent = shown.agent(WORKER, role=WORKER, more=["--no-home-assistant"])
    agent.start()
    yield agent
    agent.close()


def test_an_agent_that_is_not_to_be_shown_removes_what_it_left(
    home: HomeAssistant, withdrawn: AgentProcess
) -> None:
    _wait(
        lambda: withdrawn.check() or home.devices() == {CONFIGS[MASTER]},
        "what an earlier start has left stays",
    )
    home.say("homeassistant/status", "online")
    _wait(lambda: home.devices() == EVERYTHING - {CONFIGS[WORKER]}, "the leader says nothing")
