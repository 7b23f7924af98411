"""When a cluster counts as ready, and who runs it. What rigs do is in the integration tests."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from fluid.bench.cpu_share import DeviceCpu, PinnedCores
from fluid.bench.rig import Rig, _all_serve, _is_formed, names
from fluid.client import ClusterSnapshot
from fluid.messages.control import AgentState, ClusterState, Mode, Presence, Role
from fluid.supervisor import Supervisor
from tests.unit.fluid.bench.fake_rig import fake_bench

AGENTS = ("master", "worker")
STATE = ClusterState(
    term=3, epoch=1, leader="master", mode=Mode.HT, operator_mode=Mode.HT, members=AGENTS
)
PRESENCES = tuple(
    Presence(name, AgentState.ONLINE, Role.WORKER, 10, 7, bundle="b", serving=Mode.HT)
    for name in AGENTS
)
FORMED = ClusterSnapshot(PRESENCES, STATE)


def test_the_first_device_is_the_master() -> None:
    assert names(1) == ("master",)
    assert names(4) == ("master", "worker", "worker2", "worker3")


def test_a_cluster_is_formed_with_its_members_in_the_mode_that_was_asked_for() -> None:
    assert _is_formed(FORMED, Mode.HT, AGENTS)
    assert _all_serve(FORMED, Mode.HT)


@pytest.mark.parametrize(
    "snapshot",
    [
        replace(FORMED, state=None),
        replace(FORMED, state=replace(STATE, members=("master",))),
        replace(FORMED, state=replace(STATE, operator_mode=Mode.AUTO)),
        replace(FORMED, presences=PRESENCES[1:]),
        replace(FORMED, presences=(PRESENCES[0], replace(PRESENCES[1], serving=Mode.HA))),
    ],
    ids=["no word", "a member less", "another word", "no leader", "one behind"],
)
def test_it_is_not_while_something_is_missing(snapshot: ClusterSnapshot) -> None:
    assert not _is_formed(snapshot, Mode.HT, AGENTS)


def test_a_device_that_can_run_nothing_alone_serves_nothing_in_ht() -> None:
    standing_by = replace(FORMED, presences=(PRESENCES[0], replace(PRESENCES[1], serving=None)))
    assert _is_formed(standing_by, Mode.HT, AGENTS)
    assert not _all_serve(standing_by, Mode.HT)


def test_a_leader_keeps_ha_where_nobody_can_answer_alone() -> None:
    state = replace(STATE, mode=Mode.HA)
    presences = tuple(replace(each, serving=Mode.HA) for each in PRESENCES)
    kept = ClusterSnapshot(presences, state)
    assert _is_formed(kept, Mode.HT, AGENTS)
    assert not _all_serve(kept, Mode.HT)


def test_in_auto_either_mode_will_do() -> None:
    state = replace(STATE, operator_mode=Mode.AUTO)
    automatic = replace(FORMED, state=state)
    assert _is_formed(automatic, Mode.AUTO, AGENTS)
    assert _all_serve(automatic, Mode.AUTO)


class Started:
    """In the place of a supervisor: the commands, by name."""

    def __init__(self) -> None:
        self.commands: dict[str, list[str]] = {}

    def start(self, name: str, command: Sequence[str]) -> None:
        self.commands[name] = list(command)

    def start_and_read_line(self, name: str, command: Sequence[str]) -> str:
        self.start(name, command)
        return "ready"

    def pid(self, _name: str) -> int:
        return os.getpid()

    def wait(self, _name: str) -> None:
        return


def rig_of(started: Started, *, cpu: DeviceCpu | None = None, share: float | None = None) -> Rig:
    bench = fake_bench("fluid")
    return Rig(
        replace(bench, cpu=cpu or bench.cpu),
        cast(Supervisor, started),
        bundle=Path("fluid"),
        images=Path("images.npz"),
        url="mqtt://localhost:1883",
        share=share,
    )


class Holding(DeviceCpu):
    """As control groups do."""

    description = "held"

    def hold(self, device: str, pid: int, *, share: float) -> None:
        """Nothing is started."""


def test_a_share_counts_only_where_devices_are_held_to_it() -> None:
    assert rig_of(Started(), cpu=Holding(), share=0.2).share == 0.2
    assert rig_of(Started(), cpu=PinnedCores("a test"), share=0.2).share is None


def test_what_stands_for_a_device_runs_with_the_devices_python() -> None:
    started = Started()
    rig = rig_of(started)
    rig.start("master")
    with rig.beside("bare", "fluid.bench.bare", ["fluid"]):
        pass
    python = str(Path("python").absolute())
    assert started.commands["master"][:3] == [python, "-m", "edge_agent"]
    assert started.commands["bare"] == [python, "-m", "fluid.bench.bare", "fluid"]
