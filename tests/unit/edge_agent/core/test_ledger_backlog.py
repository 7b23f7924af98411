"""One of two comes back to a queue that the other never had: after a crash of the broker, which
went back to what it had saved while one of them was away."""

from edge_agent.core.effects import SendReply, SendUnheard
from edge_agent.core.ledger import Ledger
from fluid.messages import Unheard
from tests.unit.edge_agent.core.ledgers import PAIR, ledger_of, names_of
from tests.unit.edge_agent.making import (
    TIMING,
    all_of,
    arrival,
    as_result,
    computed,
    one_of,
    partial,
    request,
)

# Of these we are the one to answer.
QUEUED, LATER, STALE = names_of("a")[:3]


def served(ledger: Ledger, *names: str) -> Ledger:
    """The link is opened, and the session brings these, which we compute."""
    ledger.link_opened()
    for number, name in enumerate(names):
        ledger.arrived(arrival(name, ack_id=number), 0.0)
        ledger.computed(computed(name, "lower50"), 0.0)
    ledger.served(0.0)
    return ledger


def test_who_hears_all_waits_for_one_that_works_off_what_we_never_heard() -> None:
    ledger = served(ledger_of(PAIR))
    ledger.load("b", 64)
    ledger.arrived(arrival(QUEUED, ack_id=1), 0.0)
    ledger.computed(computed(QUEUED, "lower50"), 0.0)
    ledger.partial(partial(STALE, "b", "upper50"), 0.1)
    notice = one_of(ledger.expire(0.5), SendUnheard).notice
    assert notice.keys == (request(STALE).key,)
    ledger.arrived(arrival(LATER, ack_id=2), 0.5)
    ledger.computed(computed(LATER, "lower50"), 0.5)
    assert all_of(ledger.expire(1.4), SendReply) == []
    effects = ledger.partial(partial(LATER, "b", "upper50"), 1.5)
    assert as_result(one_of(effects, SendReply).replies[0]).subnetwork == "100"


def test_who_came_back_long_ago_does_not_know_which_of_the_two_has_a_queue() -> None:
    ledger = served(ledger_of(PAIR))
    begin = TIMING.longest_wait_s
    ledger.arrived(arrival(QUEUED, ack_id=1), begin)
    ledger.computed(computed(QUEUED, "lower50"), begin)
    ledger.partial(partial(STALE, "b", "upper50"), begin + 0.1)
    assert all_of(ledger.expire(begin + 0.5), SendUnheard) != []
    ledger.arrived(arrival(LATER, ack_id=2), begin + 0.5)
    ledger.computed(computed(LATER, "lower50"), begin + 0.5)
    (reply,) = all_of(ledger.expire(begin + 0.6), SendReply)
    assert as_result(reply.replies[0]).degraded


def test_who_works_off_a_queue_does_not_say_that_it_never_heard_what_may_be_in_it() -> None:
    ledger = served(ledger_of(PAIR, in_flight=1), STALE)
    ledger.partial(partial(LATER, "b", "upper50"), 0.1)
    assert all_of(ledger.expire(2 * TIMING.stale_partial_s), SendUnheard) == []


def test_with_a_queue_that_does_not_move_it_says_so_after_all() -> None:
    """Both may have a queue that the other never had."""
    ledger = served(ledger_of(PAIR, in_flight=1), STALE)
    ledger.partial(partial(LATER, "b", "upper50"), 0.1)
    notice = one_of(ledger.expire(2 * TIMING.stale_partial_s + 0.1), SendUnheard).notice
    assert notice.keys == (request(LATER).key,)


def test_who_works_off_a_queue_waits_briefly_as_soon_as_it_is_told_that_another_has_it_not() -> (
    None
):
    ledger = served(ledger_of(PAIR, in_flight=2), STALE, QUEUED)
    (reply,) = all_of(ledger.unheard(Unheard("b", (request(STALE).key,)), 0.4), SendReply)
    assert not as_result(reply.replies[0]).degraded  # it never reached the other
    ledger.arrived(arrival(LATER, ack_id=5), 0.5)
    ledger.computed(computed(LATER, "lower50"), 0.5)
    assert len(all_of(ledger.expire(0.5 + TIMING.brief_s), SendReply)) == 1


def test_a_queue_ends_at_a_request_of_which_a_share_was_here_before_it() -> None:
    """Another device that is always ahead has never handed us a share of what we hold."""
    ledger = served(ledger_of(PAIR, in_flight=1), STALE)
    ledger.partial(partial(LATER, "b", "upper50"), 0.1)
    ledger.arrived(arrival(LATER, ack_id=2), 0.2)
    ledger.unheard(Unheard("b", (request(STALE).key,)), 0.3)
    ledger.arrived(arrival(QUEUED, ack_id=3), 0.4)
    ledger.computed(computed(QUEUED, "lower50"), 0.4)
    assert all_of(ledger.expire(0.4 + TIMING.brief_s), SendReply) == []
