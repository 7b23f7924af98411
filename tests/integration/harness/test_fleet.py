from dataclasses import replace

from fluid.client import ClusterSnapshot
from fluid.messages import AgentState, ClusterState, Heartbeat, Mode, Presence, Role
from tests.integration.harness.fleet import is_formed

MEMBERS = ("master", "worker1")
STATE = ClusterState(
    term=3,
    epoch=1,
    leader="master",
    mode=Mode.HA,
    members=MEMBERS,
    placement={"lower": ("master",), "upper": ("worker1",)},
)
PRESENCES = tuple(
    Presence(
        agent=name,
        state=AgentState.ONLINE,
        role=Role.WORKER,
        priority=0,
        incarnation=7,
        bundle="b",
        serving=Mode.HA,
    )
    for name in MEMBERS
)
FORMED = ClusterSnapshot(
    PRESENCES, STATE, {name: Heartbeat(name, incarnation=7, sequence=1) for name in MEMBERS}
)


def _formed(snapshot: ClusterSnapshot) -> bool:
    return is_formed(snapshot, Mode.HA, MEMBERS)


def test_a_cluster_is_formed_when_all_are_in_it_and_serve() -> None:
    assert _formed(FORMED)
    assert not is_formed(FORMED, Mode.HT, MEMBERS)
    assert not is_formed(FORMED, Mode.HA, (*MEMBERS, "worker2"))


def test_it_is_not_while_one_of_them_is_missing_in_any_respect() -> None:
    master, worker = PRESENCES
    assert not _formed(replace(FORMED, presences=(master,)))
    assert not _formed(replace(FORMED, presences=(master, replace(worker, serving=None))))
    assert not _formed(replace(FORMED, state=replace(STATE, members=("master",))))
    assert not _formed(replace(FORMED, state=replace(STATE, placement={"lower": ("master",)})))
    assert not _formed(replace(FORMED, state=None))


def test_it_is_not_while_another_than_the_best_leads() -> None:
    assert not _formed(replace(FORMED, state=replace(STATE, leader="worker1")))


def test_a_presence_of_the_past_counts_for_nothing() -> None:
    """What a killed broker has saved: the agent was online, in an earlier incarnation."""
    old = {**FORMED.heartbeats, "worker1": Heartbeat("worker1", incarnation=8, sequence=1)}
    assert not _formed(replace(FORMED, heartbeats=old))
    silent = {"master": FORMED.heartbeats["master"]}
    assert not _formed(replace(FORMED, heartbeats=silent))
