import itertools
from collections import Counter

import pytest

from fluid.messages import Mode
from tests.chaos.plan import Fault, draw_rounds

AGENTS = ("master", "worker1", "worker2", "worker3")


def test_a_seed_draws_the_same_rounds_again_and_another_seed_others() -> None:
    assert draw_rounds(50, AGENTS, seed=7) == draw_rounds(50, AGENTS, seed=7)
    assert draw_rounds(50, AGENTS, seed=7) != draw_rounds(50, AGENTS, seed=8)


def test_fewer_rounds_are_the_first_of_more() -> None:
    assert draw_rounds(100, AGENTS, seed=1)[:10] == draw_rounds(10, AGENTS, seed=1)


def test_every_fault_is_met_equally_often_in_an_order_that_changes() -> None:
    rounds = draw_rounds(70, AGENTS, seed=1)
    assert Counter(each.fault for each in rounds) == dict.fromkeys(Fault, 10)
    orders = {tuple(each.fault for each in rounds[at : at + 7]) for at in range(0, 70, 7)}
    assert len(orders) > 1


def test_only_the_faults_asked_for_happen() -> None:
    rounds = draw_rounds(9, AGENTS, seed=1, faults=(Fault.KILL, Fault.SWITCH))
    assert {each.fault for each in rounds} == {Fault.KILL, Fault.SWITCH}


@pytest.mark.parametrize("seed", range(5))
def test_each_round_begins_in_the_mode_that_the_one_before_has_left(seed: int) -> None:
    rounds = draw_rounds(50, AGENTS, seed=seed)
    assert rounds[0].before is Mode.HA
    for one, next_one in itertools.pairwise(rounds):
        assert next_one.before is one.after
    for each in rounds:
        assert (each.before is not each.after) == each.fault.switches


def test_every_agent_is_a_victim_and_only_the_master_is_killed_in_a_switch() -> None:
    rounds = draw_rounds(100, AGENTS, seed=1)
    assert {each.victim for each in rounds if each.fault is Fault.KILL} == set(AGENTS)
    assert {each.victim for each in rounds if each.fault is Fault.KILL_IN_SWITCH} == {"master"}
    assert {each.victim for each in rounds if each.fault is Fault.BROKER_KILL} == {""}


def test_both_modes_are_met_with_each_fault() -> None:
    rounds = draw_rounds(100, AGENTS, seed=1)
    met = {(each.fault, each.before) for each in rounds}
    assert met == {(fault, mode) for fault in Fault for mode in (Mode.HA, Mode.HT)}
