import json
import time
from dataclasses import replace

import pytest
from click.testing import CliRunner, Result

from fluid.bus.protocol import Closed, CloseReason, Message
from fluid.cli import main
from fluid.client import ClusterSnapshot
from fluid.errors import BrokerUnreachable
from fluid.messages import AgentState, ClusterState, Heartbeat, Mode, Presence, Role
from fluid.topics import Topics
from tests.unit.fluid.client.fake_bus import FakeBus, retained

TOPICS = Topics()
MASTER = Presence("pi-1", AgentState.ONLINE, Role.MASTER, 100, 3, bundle="0123456789abcdef")
WORKER = Presence("pi-2", AgentState.OFFLINE, Role.WORKER, 10, 7, bundle="0123456789abcdef")
STATE = ClusterState(
    4, 2, "pi-1", Mode.HT, Mode.AUTO, ("pi-1",), {"lower": ("pi-1",), "upper": ("pi-1",)}
)
HEARTBEAT = Heartbeat("pi-1", 3, 90, queue=12, busy=0.75)
WHY = "the logs of the others say why, or 'edge-agent doctor' there\n"


def cluster() -> FakeBus:
    return FakeBus(
        retained=[
            retained(TOPICS.presence("pi-1"), MASTER.encode()),
            retained(TOPICS.presence("pi-2"), WORKER.encode()),
            retained(TOPICS.cluster, STATE.encode()),
            Message(TOPICS.heartbeat("pi-1"), HEARTBEAT.encode()),
        ]
    )


def run(bus: FakeBus, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["status", *arguments], obj=bus, env={"COLUMNS": "200"})


def test_shows_the_mode_the_leader_and_each_device() -> None:
    result = run(cluster())
    assert result.exit_code == 0
    assert "mode ht (operator: auto), leader pi-1, term 4, epoch 2" in result.stdout
    (master,) = (line for line in result.stdout.splitlines() if "master" in line)
    assert all(each in master for each in ("online", "lower, upper", "0123456789ab", "12", "75%"))
    (worker,) = (line for line in result.stdout.splitlines() if "worker" in line)
    assert "offline" in worker


def test_json_says_the_same() -> None:
    document = json.loads(run(cluster(), "--json").stdout)
    assert {key: document[key] for key in ("leader", "mode", "operator_mode", "term", "epoch")} == {
        "leader": "pi-1",
        "mode": "ht",
        "operator_mode": "auto",
        "term": 4,
        "epoch": 2,
    }
    master, worker = document["members"]
    assert (master["agent"], master["slots"], master["queue"]) == ("pi-1", ["lower", "upper"], 12)
    assert (worker["agent"], worker["state"], worker["queue"]) == ("pi-2", "offline", None)


def test_a_leader_that_is_gone_is_shown_as_gone() -> None:
    gone = Presence("pi-1", AgentState.OFFLINE, Role.MASTER, 100, 3, bundle="0123")
    bus = FakeBus(
        retained=[
            retained(TOPICS.presence("pi-1"), gone.encode()),
            retained(TOPICS.cluster, STATE.encode()),
        ]
    )
    result = run(bus)
    assert result.exit_code == 1  # nobody else is online either
    assert "leader pi-1 (gone)" in result.stdout
    assert json.loads(run(bus, "--json").stdout)["leader"] is None


def test_a_cluster_before_its_first_leader() -> None:
    bus = FakeBus(
        retained=[
            retained(TOPICS.presence("pi-1"), MASTER.encode()),
            Message(TOPICS.heartbeat("pi-1"), HEARTBEAT.encode()),
        ]
    )
    assert "no leader yet" in run(bus).stdout


def test_nobody_there_is_said_and_is_a_failure() -> None:
    result = run(FakeBus())
    assert result.exit_code == 1
    assert result.stdout == (
        "no agent has announced itself below 'fluid', or only operators may see it: "
        "start one with 'edge-agent'; check --base-topic, and the user in --broker\n"
    )


def test_what_cannot_be_read_is_told() -> None:
    result = run(FakeBus(retained=[retained(TOPICS.cluster, b"nonsense")]))
    assert result.stderr == "warning: 1 messages could not be read\n"


def pair(
    *, bundle: str = MASTER.bundle, serving: Mode | None = Mode.HT, heard: bool = True
) -> FakeBus:
    """Two devices online, the first of them leading; the other is as told."""
    master = replace(MASTER, serving=Mode.HT)
    other = Presence("pi-2", AgentState.ONLINE, Role.WORKER, 10, 7, bundle=bundle, serving=serving)
    heartbeats = [HEARTBEAT, Heartbeat("pi-2", 7, 90)] if heard else [HEARTBEAT]
    return FakeBus(
        retained=[
            retained(TOPICS.presence("pi-1"), master.encode()),
            retained(TOPICS.presence("pi-2"), other.encode()),
            retained(TOPICS.cluster, STATE.encode()),
            *(Message(TOPICS.heartbeat(each.agent), each.encode()) for each in heartbeats),
        ]
    )


def test_devices_with_different_bundles_are_remarked_on() -> None:
    assert "different bundles" in run(pair(bundle="another")).stdout.splitlines()[-1]
    assert "different bundles" not in run(pair()).stdout


def test_the_bundle_of_a_device_that_is_gone_does_not_matter() -> None:
    gone = replace(WORKER, bundle="another")
    bus = cluster()
    bus.retained = [*bus.retained, retained(TOPICS.presence("pi-2"), gone.encode())]
    assert "different bundles" not in run(bus).stdout


def test_waiting_ends_when_as_many_devices_serve_as_asked_for() -> None:
    result = run(pair(), "--wait", "2")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "pi-2" in result.stdout


@pytest.mark.parametrize(
    "bus",
    [
        pytest.param(pair(serving=None), id="starting"),
        pytest.param(pair(serving=Mode.HA), id="still in another mode"),
        pytest.param(pair(heard=False), id="silent"),
    ],
)
def test_a_device_that_does_not_serve_does_not_count(bus: FakeBus) -> None:
    result = run(bus, "--wait", "2", "--timeout", "0.3")
    assert result.exit_code == 1
    assert result.stderr == "error: 1 of 2 devices serve after 0.3 s: " + WHY
    assert "pi-2" in result.stdout  # the table is shown all the same


def test_nobody_serves_without_a_leader() -> None:
    bus = FakeBus(
        retained=[
            retained(TOPICS.presence("pi-1"), replace(MASTER, serving=Mode.HT).encode()),
            Message(TOPICS.heartbeat("pi-1"), HEARTBEAT.encode()),
        ]
    )
    result = run(bus, "--wait", "1", "--timeout", "0.3")
    assert result.stderr == "error: 0 of 1 devices serve after 0.3 s: " + WHY


def test_waiting_bears_with_a_broker_that_is_still_starting() -> None:
    bus = pair()
    bus.refusals = [Closed(CloseReason.UNREACHABLE, "refused")]
    result = run(bus, "--wait", "2")
    assert (result.exit_code, result.stderr) == (0, "waiting up to 30 s for 2 to serve\n")
    assert len(bus.links) == 2


def test_a_broker_that_never_comes_is_an_error() -> None:
    bus = FakeBus(refusals=[Closed(CloseReason.UNREACHABLE, "refused")])
    result = run(bus, "--wait", "2", "--timeout", "0.000001")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "refused" in result.stderr


def test_waiting_takes_no_longer_than_it_may(silent_broker: str) -> None:
    begun_s = time.monotonic()
    result = CliRunner().invoke(
        main, ["status", "--wait", "1", "--timeout", "0.5", "--broker", silent_broker]
    )
    assert result.exit_code == 1
    assert "within 0.5 s" in result.stderr
    assert time.monotonic() - begun_s < 2.0


def test_a_last_look_without_enough_time_does_not_hide_what_was_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spans_s: list[float] = []

    def look(_buses: object, _topics: object, *, timeout_s: float) -> ClusterSnapshot:
        spans_s.append(timeout_s)
        if len(spans_s) == 2:
            raise BrokerUnreachable("no time")
        return ClusterSnapshot((MASTER, WORKER), STATE)

    monkeypatch.setattr("fluid.cli.status.cluster_snapshot", look)
    result = run(FakeBus(), "--wait", "2", "--timeout", "0.35")
    assert result.exit_code == 1
    assert "pi-2" in result.stdout
    first_s, second_s = spans_s
    assert 0.3 < first_s <= 0.35
    assert 0 < second_s < 0.2


HOSTILE = "\x1b]0;PWNED\x07\x1b[31m\nred"
HOSTILE_SHOWN = r"\x1b]0;PWNED\x07\x1b[31m\nred"


def hostile(name: str) -> FakeBus:
    """A cluster whose state names a leader, and a slot of pi-1, so."""
    state = replace(STATE, leader=name, placement={name: ("pi-1",)})
    return FakeBus(
        retained=[
            retained(TOPICS.presence("pi-1"), replace(MASTER, bundle=name).encode()),
            retained(TOPICS.cluster, state.encode()),
            Message(TOPICS.heartbeat("pi-1"), HEARTBEAT.encode()),
        ]
    )


def test_what_a_peer_says_does_not_reach_the_terminal_as_it_is() -> None:
    plain, shown = (run(hostile(name)).stdout for name in ("pi-1", HOSTILE))
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == len(plain.splitlines())
    assert f"leader {HOSTILE_SHOWN} (gone)," in shown
    assert f" {HOSTILE_SHOWN} " in shown.splitlines()[4]


def test_what_cannot_be_encoded_is_escaped_and_is_the_same_in_the_json() -> None:
    assert r" \ud800x " in run(hostile("\ud800x")).stdout
    (member,) = json.loads(run(hostile("\ud800x"), "--json").stdout)["members"]
    assert member["slots"] == ["\ud800x"]
