"""A real agent as Prometheus and a log collector see it."""

import json
import socket
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fluid import FluidClient
from fluid.bus import Message
from tests.integration.harness.agents import TIMEOUT_S, AgentProcess
from tests.integration.harness.cluster import Cluster
from tests.integration.harness.oracle import Oracle
from tests.processes import free_port, wait_until

IMAGES = 50
# A request id is its publisher's choice: this one tries to add fields of its own.
ODD_ID = 'x" event="forged" term=99 \\'
ALONE = {"mode": "ha", "subnetwork": "lower50"}
FAILED = {"mode": "none", "subnetwork": "none"}


class Scraped:
    """What an agent's endpoint says, by name and labels."""

    def __init__(self, port: int) -> None:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{port}/metrics", timeout=TIMEOUT_S
        ) as response:
            text = response.read().decode()
        self._samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def value(self, name: str, /, **labels: str) -> float | None:
        return self._samples.get((name, frozenset(labels.items())))


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def metered(cluster: Cluster, port: int) -> Iterator[AgentProcess]:
    """An agent that is alone, counts, and logs each request in JSON."""
    agent = cluster.agent(
        "metered",
        role="master",
        more=["--metrics-port", str(port), "--log-format", "json", "--verbose"],
    )
    agent.start()
    agent.wait_until_it_logs('"event":"link_opened","link":"infer"')
    yield agent
    agent.close()


def test_an_agent_counts_what_it_answers_and_each_line_of_its_log_parses(
    cluster: Cluster, metered: AgentProcess, client: FluidClient, oracle: Oracle, port: int
) -> None:
    for index in range(IMAGES):
        oracle.check(client.infer(oracle.image(index)), index)
    with cluster.listening("odd/answers") as answers:
        answers.publish(
            Message(
                "fluid/infer",
                b"no image",
                qos=1,
                response_topic="odd/answers",
                correlation=ODD_ID.encode(),
            )
        )
        answers.payloads(1)
        answers.publish(Message("fluid/presence/odd", b"no presence", qos=1))
    wait_until(
        lambda: Scraped(port).value("fluid_malformed_messages_total", kind="presence") == 1.0,
        what="a malformed message is not counted",
    )

    scraped = Scraped(port)
    assert scraped.value("fluid_requests_total", **ALONE, outcome="ok") == IMAGES
    assert scraped.value("fluid_requests_total", **FAILED, outcome="not_an_image") == 1.0
    assert scraped.value("fluid_request_duration_seconds_count", mode="ha") == IMAGES
    assert scraped.value("fluid_compute_duration_seconds_count") == IMAGES
    for name in ("fluid_cluster_members", "fluid_leader", "fluid_cluster_term"):
        assert scraped.value(name) == 1.0
    for name in ("fluid_requests_held", "fluid_executor_jobs"):
        assert scraped.value(name) == 0.0

    assert metered.leave() == 0
    events = [json.loads(line) for line in metered.log.splitlines()]
    assert all({"time", "level", "event", "term"} <= event.keys() for event in events)
    answered = [event for event in events if event["event"] == "request_answered"]
    assert len(answered) == IMAGES
    assert {(event["mode"], event["subnetwork"], event["term"]) for event in answered} == {
        ("ha", "lower50", 1)
    }
    arrived = [event["request"] for event in events if event["event"] == "request_arrived"]
    assert arrived == [*(event["request"] for event in answered), ODD_ID]
    (failed,) = [event for event in events if event["event"] == "request_failed"]
    assert (failed["request"], failed["code"]) == (ODD_ID, "not_an_image")
    assert events[-1]["event"] == "leaving"


def test_a_metrics_port_that_is_taken_ends_the_agent_in_one_line(cluster: Cluster) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        rival = cluster.agent("rival", role="worker", more=["--metrics-port", str(port)])
        rival.start()
        try:
            assert rival.wait_for_end() == 2
        finally:
            rival.close()
    (line,) = rival.errors
    assert f"127.0.0.1:{port}: Address already in use; choose another --metrics-port" in line
