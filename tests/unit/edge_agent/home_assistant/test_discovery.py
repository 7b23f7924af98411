import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from edge_agent.home_assistant.activity import ActivityReport
from edge_agent.home_assistant.discovery import Discovery
from fluid.bus import Message
from fluid.messages import Mode, Role, decode_mode_request
from fluid.topics import Topics
from tests.unit.edge_agent.home_assistant.documented import problems
from tests.unit.edge_agent.making import cluster_state, presence

DISCOVERY = Discovery(Topics(), "pi-1", Role.WORKER, version="1.2.3")
ELSEWHERE = replace(DISCOVERY, topics=Topics("home/fluid"), agent="pi.1")
# What is said on each topic that a discovery names.
SAID = {
    "fluid/presence/pi-1": presence("pi-1").encode(),
    "fluid/cluster": cluster_state(1, "pi-1").encode(),
    "fluid/state/pi-1": ActivityReport("pi-1", 1.0, 2.0, "100").encode(),
}


def config_of(message: Message) -> dict[str, Any]:
    config: dict[str, Any] = json.loads(message.payload)
    return config


def templates(value: Any, topic: str = "") -> Iterator[tuple[str, str]]:
    """Each template, with the topic that it is for."""
    if isinstance(value, dict):
        topic = str(value.get("topic", value.get("state_topic", topic)))
        if "value_template" in value:
            yield topic, value["value_template"]
        for each in value.values():
            yield from templates(each, topic)
    elif isinstance(value, list):
        for each in value:
            yield from templates(each, topic)


@pytest.mark.parametrize("discovery", [DISCOVERY, ELSEWHERE])
def test_home_assistant_takes_what_it_documents(discovery: Discovery) -> None:
    assert problems(discovery.of_agent()) == []
    assert problems(discovery.of_cluster()) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"platform": "lamp"}, "mode: platform lamp"),
        ({"unique_id": None}, "mode: unique_id is missing"),
        ({"colour": "red"}, "mode: colour is not known"),
        ({"options": None}, "mode: options is missing"),
    ],
)
def test_the_checker_sees_what_home_assistant_would_refuse(
    change: dict[str, Any], problem: str
) -> None:
    message = DISCOVERY.of_cluster()
    config = config_of(message)
    mode = config["components"]["mode"] | change
    config["components"]["mode"] = {key: each for key, each in mode.items() if each is not None}
    assert problems(replace(message, payload=json.dumps(config).encode())) == [problem]


def test_an_agent_has_the_entities_that_were_promised() -> None:
    components = config_of(DISCOVERY.of_agent())["components"]
    assert {name: each["platform"] for name, each in components.items()} == {
        "connectivity": "binary_sensor",
        "leader": "binary_sensor",
        "throughput": "sensor",
        "latency": "sensor",
        "subnetwork": "sensor",
    }


def test_the_mode_is_set_as_fluid_mode_sets_it() -> None:
    mode = config_of(DISCOVERY.of_cluster())["components"]["mode"]
    assert (mode["command_topic"], mode["qos"]) == (Topics().mode_set, 1)
    assert {decode_mode_request(each.encode()) for each in mode["options"]} == set(Mode)


def test_the_mode_is_the_clusters_and_no_devices() -> None:
    agent = config_of(DISCOVERY.of_agent())
    assert "select" not in {each["platform"] for each in agent["components"].values()}


@pytest.mark.parametrize("message", [DISCOVERY.of_agent(), DISCOVERY.of_cluster()])
def test_each_template_reads_fields_that_are_said_on_its_topic(message: Message) -> None:
    found = list(templates(config_of(message)))
    assert found
    for topic, template in found:
        fields = re.findall(r"value_json\.(\w+)", template)
        assert fields
        assert set(fields) <= json.loads(SAID[topic]).keys()


@pytest.mark.parametrize("message", [DISCOVERY.of_agent(), DISCOVERY.of_cluster()])
def test_it_is_available_while_its_presence_says_so(message: Message) -> None:
    """Also the last will, and a presence that was cleared, which is no JSON."""
    (available,) = config_of(message)["availability"]
    assert available["topic"] == "fluid/presence/pi-1"
    assert available["value_template"].endswith("if value_json is defined else 'offline' }}")


def test_whether_it_is_connected_can_be_seen_while_it_is_not() -> None:
    assert config_of(DISCOVERY.of_agent())["components"]["connectivity"]["availability"] == []


def test_no_two_devices_or_clusters_share_a_topic_or_an_identifier() -> None:
    messages = [
        made
        for base in ("fluid", "home/fluid")
        for agent in ("pi-1", "pi-2", "cluster")
        for made in [Discovery(Topics(base), agent, Role.WORKER, version="1").of_agent()]
    ]
    messages += [each.of_cluster() for each in (DISCOVERY, ELSEWHERE)]
    configs = [config_of(each) for each in messages]
    identifiers = [each["device"]["identifiers"][0] for each in configs]
    unique = [one["unique_id"] for each in configs for one in each["components"].values()]
    for names in ([each.topic for each in messages], identifiers, unique):
        assert len(set(names)) == len(names)


def test_what_home_assistant_takes_in_no_topic_becomes_a_dash() -> None:
    assert ELSEWHERE.of_agent().topic == "homeassistant/device/home-fluid-pi-1/config"
    assert ELSEWHERE.of_cluster().topic == "homeassistant/device/home-fluid/cluster/config"
    assert "presence/pi.1" in ELSEWHERE.of_agent().payload.decode()


def test_another_prefix_is_used_throughout() -> None:
    moved = replace(DISCOVERY, prefix="ha/discovery")
    assert problems(moved.of_agent(), prefix="ha/discovery") == []
    assert moved.status_subscription().topic_filter == "ha/discovery/status"
    assert moved.is_start(Message("ha/discovery/status", b"online"))


@pytest.mark.parametrize(
    ("topic", "payload", "starts"),
    [
        ("homeassistant/status", b"online", True),
        ("homeassistant/status", b"offline", False),
        ("homeassistant/state", b"online", False),
    ],
)
def test_only_home_assistants_own_word_is_its_start(
    *, topic: str, payload: bytes, starts: bool
) -> None:
    assert DISCOVERY.is_start(Message(topic, payload)) is starts


def test_clearing_is_an_empty_retained_message() -> None:
    assert DISCOVERY.cleared("t") == Message("t", b"", qos=1, retain=True)
