"""The modelled departures of Mosquitto 2.0.11, on the model and on that very version."""

import re
import subprocess
from collections.abc import Iterator

import pytest

from broker.launcher import find_mosquitto
from fluid.bus import CloseReason, Message, Opened, Subscription
from fluid.bus.memory import MOSQUITTO_2_0_11
from tests.integration.bus.conftest import Cluster, MemoryCluster, MosquittoCluster

SESSION = {"session_expiry_s": 300, "manual_ack": True}


def mosquitto_version() -> str:
    usage = subprocess.run([find_mosquitto(), "-h"], capture_output=True, text=True, check=False)
    found = re.search(r"mosquitto version (\S+)", usage.stdout)
    return found[1] if found else "unknown"


@pytest.fixture(params=["model", "mosquitto"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    if request.param == "model":
        chosen: Cluster = MemoryCluster(MOSQUITTO_2_0_11)
    elif (version := mosquitto_version()) != "2.0.11":
        pytest.skip(f"Mosquitto is {version}, not 2.0.11")
    else:
        chosen = MosquittoCluster(request.getfixturevalue("mosquitto"))
    yield chosen
    chosen.close()


def test_takeover_that_resumes_is_silent_and_publishes_no_will(cluster: Cluster) -> None:
    watcher = cluster.opened("watcher")
    watcher.subscribe(Subscription(cluster.topic("will")))
    first = cluster.opened("client", will=Message(cluster.topic("will"), b"", qos=1), **SESSION)
    second = cluster.open("client", clean_start=False, **SESSION)
    assert second.opened() == Opened(session_present=True)
    assert first.closed().reason is CloseReason.LOST
    assert watcher.all_until_now() == []


def test_shared_subscription_is_sent_retained_messages(cluster: Cluster) -> None:
    client = cluster.opened("client")
    client.publish(Message(cluster.topic("state"), b"x", qos=1, retain=True))
    client.subscribe(Subscription(cluster.share("state"), identifier=6))
    [arrived] = client.all_until_now()
    assert arrived.message.retain
    assert arrived.subscription_ids == (6,)


def test_each_acknowledgement_lets_a_whole_window_through(cluster: Cluster) -> None:
    client = cluster.opened("client", receive_maximum=3, manual_ack=True)
    client.subscribe(Subscription(cluster.topic("x")))
    for _ in range(20):
        client.publish(Message(cluster.topic("x"), b"", qos=1))
    arrived = client.all_until_now()
    assert len(arrived) == 3
    for delivered in arrived:
        client.link.ack(delivered.ack_id)
        assert len(client.all_until_now()) == 3


def test_restart_forgets_sessions_of_clean_starts(cluster: Cluster) -> None:
    client = cluster.opened("client", clean_start=True, **SESSION)
    client.subscribe(Subscription(cluster.topic("x")))
    cluster.restart()
    assert client.closed().reason is CloseReason.LOST
    again = cluster.open("client", clean_start=False, **SESSION)
    assert again.opened() == Opened(session_present=False)
