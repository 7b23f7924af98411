from collections import deque
from collections.abc import Callable

import pytest

from edge_agent.core.leadership import Leadership, Standing, rank
from fluid.messages import ClusterState, Role
from tests.unit.edge_agent.making import TIMING, cluster_state, presence

ME = presence("me")


def leading(term: int = 1) -> Leadership:
    """An agent whose claims came round up to this term."""
    leadership = Leadership("me", TIMING)
    for claimed in range(1, term + 1):
        assert leadership.claim(-10.0) == claimed
        assert leadership.seen(cluster_state(claimed, "me"), retained=False)
    assert leads(leadership)
    return leadership


def leads(leadership: Leadership) -> bool:
    return leadership.leads  # asked anew: a type checker takes a property for constant


def test_rank_is_by_priority_and_then_by_the_smaller_id() -> None:
    master = presence("z", role=Role.MASTER, priority=Role.MASTER.priority)
    agents = [presence("b"), master, presence("a")]
    assert [best.agent for best in sorted(agents, key=rank)] == ["z", "a", "b"]


def test_a_claim_makes_a_candidate_and_only_its_echo_a_leader() -> None:
    leadership = Leadership("me", TIMING)
    assert leadership.claim(0.0) == 1
    assert leadership.standing is Standing.CANDIDATE
    assert leadership.seen(cluster_state(1, "me"), retained=False)
    assert leads(leadership)


def test_the_first_claim_of_a_term_that_comes_round_has_it() -> None:
    leadership = Leadership("me", TIMING)
    leadership.claim(0.0)
    assert leadership.seen(cluster_state(1, "rival"), retained=False)
    assert not leadership.seen(cluster_state(1, "me"), retained=False)
    assert leadership.standing is Standing.FOLLOWER
    assert leadership.state == cluster_state(1, "rival")


@pytest.mark.parametrize("author", ["me", "rival"])
def test_a_retained_claim_makes_nobody_leader_and_raises_the_term(author: str) -> None:
    leadership = Leadership("me", TIMING)
    assert leadership.seen(cluster_state(7, author), retained=True)
    assert not leads(leadership)
    assert leadership.should_claim(ME, 0.0)
    assert leadership.claim(0.0) == 8


def test_our_own_retained_claim_of_the_claimed_term_does_not_make_us_leader() -> None:
    leadership = Leadership("me", TIMING)
    leadership.claim(0.0)
    leadership.seen(cluster_state(1, "me"), retained=True)
    assert not leads(leadership)


def test_a_higher_term_wins_and_a_lower_one_is_ignored() -> None:
    leadership = leading(2)
    assert not leadership.seen(cluster_state(1, "rival"), retained=False)
    assert leads(leadership)
    assert leadership.seen(cluster_state(3, "rival"), retained=False)
    assert not leads(leadership)
    assert not leadership.seen(cluster_state(2, "me"), retained=False)
    assert leadership.state == cluster_state(3, "rival")


def test_inside_a_term_epochs_do_not_go_back() -> None:
    leadership = Leadership("me", TIMING)
    for epoch, followed in ((0, True), (2, True), (1, False), (2, True), (3, True)):
        state = cluster_state(1, "rival", epoch=epoch)
        assert leadership.seen(state, retained=False) is followed


def test_a_leader_whose_claim_is_hidden_by_another_claims_again_above_it() -> None:
    leadership = leading(1)
    assert not leadership.should_claim(ME, 0.0)
    leadership.seen(cluster_state(1, "rival"), retained=False)
    assert leads(leadership)
    assert leadership.contested
    assert leadership.should_claim(ME, 0.0)
    assert leadership.claim(0.0) > 1


def test_a_leader_that_hears_an_earlier_term_of_its_own_name_claims_again() -> None:
    leadership = leading(2)
    leadership.seen(cluster_state(1, "me"), retained=False)
    assert leadership.contested
    assert leadership.claim(0.0) > 2


def test_a_presence_that_follows_another_in_our_term_contests_it() -> None:
    leadership = leading(3)
    leadership.rumour(presence("b", term=3, leader="me"))
    assert not leadership.contested
    leadership.rumour(presence("b", term=3, leader="rival"))
    assert leadership.contested


def test_a_term_that_was_only_heard_of_is_claimed_above() -> None:
    leadership = Leadership("me", TIMING)
    leadership.rumour(presence("b", term=9, leader="gone"))
    assert leadership.highest_term == 9
    assert leadership.claim(0.0) == 10


def test_who_is_not_the_best_claims_nothing() -> None:
    assert not Leadership("me", TIMING).should_claim(presence("better"), 0.0)


def test_claims_are_rare_and_a_claim_on_its_way_is_waited_for_longer() -> None:
    leadership = Leadership("me", TIMING)
    leadership.claim(0.0)
    assert not leadership.should_claim(ME, TIMING.claim_retry_s - 0.01)
    assert leadership.should_claim(ME, TIMING.claim_retry_s)
    leadership.seen(cluster_state(5, "rival"), retained=False)
    assert not leadership.should_claim(ME, TIMING.claim_gap_s - 0.01)
    assert leadership.should_claim(ME, TIMING.claim_gap_s)


def test_a_lost_link_ends_leadership_and_voids_the_claim_on_its_way() -> None:
    leadership = leading(1)
    leadership.link_lost()
    assert not leads(leadership)
    leadership.claim(5.0)
    leadership.link_lost()
    leadership.seen(cluster_state(2, "me"), retained=False)
    assert not leads(leadership)


class Rivals:
    """Agents that claim by their own view of who is best, over a broker with one order."""

    def __init__(self, *names: str) -> None:
        self.agents = {name: Leadership(name, TIMING) for name in names}
        self.claims = 0
        self._wire: deque[ClusterState] = deque()

    def run(self, begin_s: int, end_s: int, *, best: Callable[[str], str]) -> None:
        """best: whom an agent takes for the best one."""
        for step in range(begin_s * 1000, end_s * 1000):
            self._deliver()
            assert sum(each.leads for each in self.agents.values()) <= 1
            for name, each in self.agents.items():
                if each.should_claim(presence(best(name)), step / 1000):
                    self._wire.append(cluster_state(each.claim(step / 1000), name))
                    self.claims += 1

    def _deliver(self) -> None:
        while self._wire:
            state = self._wire.popleft()
            for each in self.agents.values():
                each.seen(state, retained=False)


def test_two_that_each_think_themselves_best_neither_flood_the_broker_nor_get_stuck() -> None:
    rivals = Rivals("a", "b")
    rivals.run(0, 10, best=lambda me: me)
    assert rivals.claims <= 2 * (10 / TIMING.claim_gap_s + 1)
    rivals.run(10, 11, best=lambda _me: "a")
    assert [name for name, each in rivals.agents.items() if each.leads] == ["a"]
    assert rivals.agents["a"].state == rivals.agents["b"].state


def test_of_two_simultaneous_claims_of_one_term_exactly_one_leads_at_the_end() -> None:
    agents = {name: Leadership(name, TIMING) for name in "ab"}
    claims = [cluster_state(leadership.claim(0.0), name) for name, leadership in agents.items()]
    assert claims[0].term == claims[1].term
    for state in claims:
        for leadership in agents.values():
            leadership.seen(state, retained=False)
    assert [name for name, leadership in agents.items() if leadership.leads] == ["a"]
    # The broker retains b's claim now, so a has to raise the term over it.
    assert agents["a"].should_claim(presence("a"), TIMING.claim_gap_s)


def test_at_another_broker_nothing_has_been_heard_yet_and_no_term_is_used_twice() -> None:
    leadership = leading(5)
    leadership.broker_changed()
    assert not leads(leadership)
    assert leadership.state is None
    assert leadership.leader_of_highest_term == ""
    assert leadership.should_claim(ME, 0.0)
    assert leadership.claim(0.0) == 6
