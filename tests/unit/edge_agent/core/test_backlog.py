from edge_agent.core.backlog import Backlog
from tests.unit.edge_agent.making import TIMING


def opened(*, window_is_full: bool) -> Backlog:
    backlog = Backlog(TIMING)
    backlog.link_opened()
    backlog.served(1.0, window_is_full=window_is_full)
    return backlog


def test_a_session_that_fills_the_window_has_more_until_we_come_to_what_others_have() -> None:
    backlog = opened(window_is_full=True)
    assert backlog.is_being_worked_off(1.0)
    assert not backlog.hears_all(1.0)
    backlog.shared()
    assert not backlog.is_being_worked_off(1.0)
    assert not backlog.hears_all(1.0)


def test_a_queue_that_takes_longer_than_anybody_waits_counts_no_more() -> None:
    backlog = opened(window_is_full=True)
    assert backlog.is_being_worked_off(0.9 + TIMING.longest_wait_s)
    assert not backlog.is_being_worked_off(1.0 + TIMING.longest_wait_s)


def test_whoever_begins_with_an_empty_queue_hears_all_for_as_long_as_anybody_waits() -> None:
    backlog = opened(window_is_full=False)
    assert not backlog.is_being_worked_off(1.0)
    assert backlog.hears_all(1.0)
    assert backlog.hears_all(0.9 + TIMING.longest_wait_s)
    assert not backlog.hears_all(1.0 + TIMING.longest_wait_s)


def test_only_the_first_subscription_of_a_link_tells_what_its_session_held() -> None:
    backlog = opened(window_is_full=False)
    backlog.served(5.0, window_is_full=True)  # the mode has changed under load
    assert not backlog.is_being_worked_off(5.0)
    assert not backlog.hears_all(1.0 + TIMING.longest_wait_s)


def test_nothing_is_known_of_a_session_whose_link_is_lost() -> None:
    for window_is_full in (False, True):
        backlog = opened(window_is_full=window_is_full)
        backlog.link_lost()
        backlog.served(2.0, window_is_full=True)
        assert not backlog.is_being_worked_off(2.0)
        assert not backlog.hears_all(2.0)
