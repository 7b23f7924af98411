"""A request that brings its device down is stopped after two, and takes nobody along."""

import pytest

from fluid.messages import Mode
from tests.unit.edge_agent.mortal import POISON, Cluster

INNOCENT = [f"innocent-{number}" for number in range(12)]
FAILED = {"execution_failed"}


def ask_all(cluster: Cluster, *, unique: bool) -> None:
    """A poison request among innocent ones."""
    for name in INNOCENT[:6]:
        cluster.ask(name, unique=unique)
    cluster.ask("poison", POISON, unique=unique)
    for name in INNOCENT[6:]:
        cluster.ask(name, unique=unique)


def all_innocent_are_answered(cluster: Cluster) -> bool:
    return all(cluster.codes(name) == {""} for name in INNOCENT)


@pytest.mark.parametrize("unique", [True, False])
@pytest.mark.parametrize("restart_s", [0.3, 4.0])
def test_in_ht_the_request_is_stopped_after_two_and_the_others_are_answered(
    *, unique: bool, restart_s: float
) -> None:
    cluster = Cluster("a", "b", restart_s=restart_s)
    cluster.set_mode(Mode.HT)
    ask_all(cluster, unique=unique)
    cluster.run(30.0)
    assert cluster.ran(POISON).total() == 2
    assert cluster.codes("poison") == FAILED
    assert all_innocent_are_answered(cluster)
    assert cluster.retained_notes() == []


@pytest.mark.parametrize("unique", [True, False])
@pytest.mark.parametrize("restart_s", [0.3, 4.0])
def test_in_ha_no_device_runs_it_more_than_twice_and_it_ends_with_the_error(
    *, unique: bool, restart_s: float
) -> None:
    cluster = Cluster("a", "b", restart_s=restart_s)
    cluster.set_mode(Mode.HA)
    ask_all(cluster, unique=unique)
    cluster.run(40.0)
    assert max(cluster.ran(POISON).values()) <= 2
    assert cluster.codes("poison") == FAILED
    assert all_innocent_are_answered(cluster)
    assert cluster.retained_notes() == []


def test_of_three_devices_that_are_not_restarted_one_survives() -> None:
    cluster = Cluster("a", "b", "c")
    cluster.set_mode(Mode.HT)
    ask_all(cluster, unique=False)
    cluster.run(30.0)
    assert len(cluster.ran(POISON)) == 2
    assert cluster.ran(POISON).total() == 2
    assert cluster.codes("poison") == FAILED
    assert all_innocent_are_answered(cluster)
    cluster.ask("later")
    cluster.run(1.0)
    assert cluster.codes("later") == {""}


def test_a_device_alone_stops_it_by_itself() -> None:
    cluster = Cluster("a", restart_s=0.3)
    cluster.set_mode(Mode.HT)
    ask_all(cluster, unique=False)
    cluster.run(20.0)
    assert cluster.ran(POISON) == {"a": 2}
    assert cluster.codes("poison") == FAILED
    assert all_innocent_are_answered(cluster)
    assert cluster.retained_notes() == []


def test_an_equal_request_is_judged_anew_once_it_does_no_harm() -> None:
    cluster = Cluster("a", "b", restart_s=0.3)
    cluster.set_mode(Mode.HT)
    cluster.ask("poison", POISON)
    cluster.run(20.0)
    cluster.deadly = False
    cluster.replies.clear()
    cluster.ask("poison", POISON)
    cluster.run(1.0)
    assert cluster.codes("poison") == {""}


@pytest.mark.parametrize("mode", [Mode.HT, Mode.HA])
def test_what_was_in_flight_on_devices_that_went_down_for_other_reasons_gets_no_error(
    mode: Mode,
) -> None:
    cluster = Cluster("a", "b", restart_s=0.3)
    cluster.set_mode(mode)
    for agent in ("a", "b", "a", "b"):
        for name in INNOCENT:
            cluster.ask(f"{name}-{agent}")
        cluster.run(0.003)
        cluster.devices[agent].crash()
        cluster.run(0.4)
    cluster.run(20.0)
    assert {code for name in cluster.replies for code in cluster.codes(name)} == {""}
    assert len(cluster.replies) == 2 * len(INNOCENT)


def test_where_nothing_goes_down_no_note_is_written() -> None:
    cluster = Cluster("a", "b")
    for mode in (Mode.HT, Mode.HA):
        cluster.set_mode(mode)
        for name in INNOCENT:
            cluster.ask(name)
        cluster.run(2.0)
    assert all_innocent_are_answered(cluster)
    assert cluster.notes == []
