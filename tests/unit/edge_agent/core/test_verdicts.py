import pytest

from edge_agent.core.suspicion import worn_out
from edge_agent.core.verdicts import MOST_CONDEMNED, Verdicts
from tests.unit.edge_agent.making import request

ONE, TWO = request("1").key, request("2").key
CONDEMNED = worn_out(2)


@pytest.fixture
def verdicts() -> Verdicts:
    """Those of `a`, whose control link is open."""
    verdicts = Verdicts("a")
    verdicts.link_opened()
    return verdicts


def test_a_verdict_holds_for_copies_and_not_for_equal_requests_that_are_new(
    verdicts: Verdicts,
) -> None:
    verdicts.condemn(request("1"))
    assert verdicts.on(request("1", unique=True), suspect=False) == CONDEMNED
    assert verdicts.on(request("1"), suspect=True) == CONDEMNED
    assert verdicts.on(request("1"), suspect=False) is None
    assert verdicts.on(request("2", unique=True), suspect=True) is None


def test_the_verdicts_of_others_hold_until_they_are_cleared(verdicts: Verdicts) -> None:
    verdicts.seen("b", (ONE,))
    verdicts.seen("c", (TWO,))
    assert verdicts.on(request("1"), suspect=True) == CONDEMNED
    verdicts.seen("b", ())
    assert verdicts.on(request("1"), suspect=True) is None
    assert verdicts.on(request("2"), suspect=True) == CONDEMNED


def test_our_list_is_said_once_on_each_link(
    verdicts: Verdicts,
) -> None:
    assert verdicts.news() is None
    verdicts.condemn(request("1"))
    assert verdicts.news() == (ONE,)
    assert verdicts.news() is None
    verdicts.link_lost()
    assert verdicts.news() is None
    verdicts.link_opened()
    assert verdicts.news() == (ONE,)
    assert verdicts.news() is None


def test_what_our_former_life_found_holds_and_stays_in_the_list(verdicts: Verdicts) -> None:
    verdicts.seen("a", (ONE,))
    assert verdicts.news() is None
    assert verdicts.on(request("1"), suspect=True) == CONDEMNED
    verdicts.condemn(request("2"))
    assert verdicts.news() == (ONE, TWO)


def test_two_processes_that_say_the_same_in_another_order_fall_silent(verdicts: Verdicts) -> None:
    verdicts.condemn(request("1"))
    verdicts.condemn(request("2"))
    assert verdicts.news() == (ONE, TWO)
    verdicts.seen("a", (TWO, ONE))
    assert verdicts.news() is None


def test_a_list_is_bounded_and_the_oldest_go_first(verdicts: Verdicts) -> None:
    requests = [request(str(number)) for number in range(MOST_CONDEMNED + 1)]
    keys = [each.key for each in requests]
    for each in requests:
        verdicts.condemn(each)
    assert verdicts.news() == tuple(keys[1:])
    verdicts.seen("a", tuple(keys[:MOST_CONDEMNED]))  # what we said before comes round late
    assert verdicts.on(request("0"), suspect=True) is None
    for number in range(1001):
        verdicts.seen(f"agent-{number}", (ONE,))
    verdicts.seen("agent-0", (keys[0],))
    assert verdicts.on(request("0"), suspect=True) == CONDEMNED


def test_a_request_that_says_itself_what_it_did_is_not_listed(verdicts: Verdicts) -> None:
    verdicts.condemn(request("1", handovers=2))  # anybody may write that, as often as they like
    assert verdicts.news() is None
    verdicts.condemn(request("1", handovers=1))
    assert verdicts.news() == (ONE,)


def test_another_broker_is_told_what_we_found_and_not_what_others_did(verdicts: Verdicts) -> None:
    verdicts.condemn(request("1"))
    assert verdicts.news() == (ONE,)
    verdicts.seen("a", (ONE,))
    verdicts.seen("b", (TWO,))
    verdicts.link_lost()
    verdicts.broker_changed()
    verdicts.link_opened()
    assert verdicts.news() == (ONE,)
    assert verdicts.on(request("2"), suspect=True) is None
