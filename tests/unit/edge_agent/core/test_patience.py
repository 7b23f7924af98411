from edge_agent.core.patience import Patience
from tests.unit.edge_agent.making import TIMING


def test_a_share_is_waited_for_twice_the_own_time_and_not_less_than_the_least() -> None:
    patience = Patience(TIMING)
    assert patience.for_share_s(("b",), own_s=0.1) == TIMING.straggler_s
    assert patience.for_share_s(("b",), own_s=4.0) == 8.0
    assert patience.for_answer_s("b", own_s=0.1) == TIMING.handover_s
    assert patience.for_answer_s("b", own_s=4.0) == 8.0


def test_who_let_a_deadline_pass_is_waited_for_briefly_until_heard_again() -> None:
    patience = Patience(TIMING)
    patience.missed(("b",))
    assert patience.for_answer_s("b", own_s=4.0) == TIMING.brief_s
    assert patience.for_share_s(("b", "c"), own_s=0.1) == TIMING.brief_s
    assert patience.for_share_s(("c",), own_s=0.1) == TIMING.straggler_s
    patience.heard("b")
    assert patience.for_answer_s("b", own_s=0.1) == TIMING.handover_s


def test_a_newcomer_never_had_what_came_before_it_and_is_in_step_all_the_same() -> None:
    patience = Patience(TIMING)
    patience.never_had("b", 5.0, came_at=4.0)
    patience.never_had("b", 5.2, came_at=4.9)  # as old, and told later
    assert not patience.out_of_step("b")


def test_who_never_had_what_came_after_it_first_said_so_is_out_of_step_until_heard() -> None:
    patience = Patience(TIMING)
    patience.never_had("b", 5.0, came_at=4.0)
    patience.never_had("b", 6.0, came_at=5.1)
    assert patience.out_of_step("b")
    patience.heard("b")
    patience.never_had("b", 7.0, came_at=6.9)
    assert not patience.out_of_step("b")


def test_hearing_from_somebody_who_missed_nothing_is_nothing() -> None:
    patience = Patience(TIMING)
    patience.heard("b")
    assert patience.for_share_s((), own_s=0.0) == TIMING.straggler_s


def test_two_that_hold_nothing_are_in_step_again() -> None:
    patience = Patience(TIMING)
    patience.missed(("b",))
    patience.load("b", 0, ours=1)
    assert patience.out_of_step("b")
    patience.load("b", 0, ours=0)
    assert not patience.out_of_step("b")


def test_of_who_is_gone_for_good_nothing_is_kept() -> None:
    patience = Patience(TIMING)
    patience.missed(("b",))
    patience.load("b", 3, ours=0)
    patience.forget("b")
    assert not patience.out_of_step("b")
    assert not patience.at_work(("b",))


def test_names_that_nobody_knows_do_not_fill_the_memory() -> None:
    patience = Patience(TIMING)
    patience.missed([f"stranger-{index}" for index in range(5000)])
    assert sum(patience.out_of_step(f"stranger-{index}") for index in range(5000)) == 1024
    for moment in (1.0, 2.0):
        for index in range(5000, 10_000):
            patience.never_had(f"stranger-{index}", moment, came_at=moment)
    assert not any(patience.out_of_step(f"stranger-{index}") for index in range(6024, 10_000))
