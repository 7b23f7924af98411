import json

from click.testing import CliRunner, Result

from fluid.bus.protocol import Message
from fluid.cli import main
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
    assert "leader pi-1 (gone)" in run(bus).stdout
    assert json.loads(run(bus, "--json").stdout)["leader"] is None


def test_a_cluster_before_its_first_leader() -> None:
    bus = FakeBus(
        retained=[
            retained(TOPICS.presence("pi-1"), MASTER.encode()),
            Message(TOPICS.heartbeat("pi-1"), HEARTBEAT.encode()),
        ]
    )
    assert "no leader yet" in run(bus).stdout


def test_nobody_there_is_said() -> None:
    result = run(FakeBus())
    assert result.exit_code == 0
    assert result.stdout == "no agent has announced itself below 'fluid'\n"


def test_what_cannot_be_read_is_told() -> None:
    result = run(FakeBus(retained=[retained(TOPICS.cluster, b"nonsense")]))
    assert result.stderr == "warning: 1 messages could not be read\n"
