"""What a requester may ask of an answer: the least sub-network, and the latest moment."""

import pytest

from edge_agent.core.effects import Ack, Compute, Effect, SendDone, SendPartials, SendReply
from edge_agent.core.events import Route
from edge_agent.core.ledger import Ledger
from fluid.errors import ErrorCode
from fluid.messages import ErrorReply, Unheard
from tests.unit.edge_agent.core.ledgers import (
    ALONE,
    OURS,
    PAIR,
    THEIRS,
    confirm,
    done,
    ledger_of,
)
from tests.unit.edge_agent.making import (
    TIMING,
    all_of,
    arrival,
    as_result,
    computed,
    one_of,
    partial,
    request,
    team,
)

SHARED = Route.SHARED


def error_of(effects: list[Effect]) -> ErrorReply:
    (reply,) = one_of(effects, SendReply).replies
    assert isinstance(reply, ErrorReply)
    return reply


def expire_until_answered(ledger: Ledger, *, since: float) -> tuple[list[Effect], float]:
    """Let deadlines pass one by one; what the answer came with, and how long it took."""
    while (deadline := ledger.next_deadline()) is not None:
        effects = ledger.expire(deadline)
        if all_of(effects, SendReply):
            return effects, deadline - since
    raise AssertionError("no deadline is left and nothing was answered")


# The least sub-network.


def test_alone_a_request_that_needs_more_than_this_device_is_refused_unread() -> None:
    ledger = ledger_of(ALONE)
    effects = ledger.arrived(arrival("1", ack_id=5, route=SHARED, minimum="100"), 0.0)
    error = error_of(effects)
    assert all_of(effects, Compute) == []
    assert error.code == ErrorCode.SUBNETWORK_UNAVAILABLE
    assert "ask for 'lower50'" in error.message
    assert "'fluid mode ha'" in error.message
    assert confirm(ledger, effects) == [Ack(5)]


def test_alone_a_device_that_holds_enough_answers() -> None:
    for holders, minimum in ((ALONE, "lower50"), ({"lower": ["a"], "upper": ["a"]}, "100")):
        ledger = ledger_of(holders)
        (compute,) = ledger.arrived(arrival("1", route=SHARED, minimum=minimum), 0.0)
        assert isinstance(compute, Compute)
        reply = one_of(ledger.computed(computed("1", *compute.stages), 0.1), SendReply)
        assert as_result(reply.replies[0]).subnetwork == minimum


def test_a_device_without_a_slot_refuses_nothing_until_it_is_placed() -> None:
    ledger = ledger_of({"lower": [], "upper": []})
    effects = ledger.arrived(arrival("1", route=SHARED, minimum="lower50"), 0.0)
    effects += ledger.computed(computed("1"), 0.1)
    effects += ledger.expire(2.5)
    assert all_of(effects, SendReply) == []
    assert one_of(ledger.team_changed(team("a", ALONE), 3.0), Compute).stages == ("lower50",)


def test_an_unknown_sub_network_is_answered_by_the_combiner() -> None:
    effects = ledger_of(PAIR).arrived(arrival(OURS, minimum="101"), 0.0)
    assert error_of(effects).code == ErrorCode.UNKNOWN_SUBNETWORK
    assert ledger_of(PAIR).arrived(arrival(THEIRS, minimum="101"), 0.0) == []


def test_together_less_than_the_minimum_is_never_the_answer() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(OURS, ack_id=5, minimum="100"), 0.0)
    ledger.computed(computed(OURS, "lower50"), 0.1)
    effects, _ = expire_until_answered(ledger, since=0.1)
    error = error_of(effects)
    assert error.code == ErrorCode.SUBNETWORK_UNAVAILABLE
    assert "only 'lower50' was there" in error.message
    assert confirm(ledger, effects) == [SendDone(done(OURS)), Ack(5)]


def test_together_a_narrower_minimum_may_be_answered_degraded() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(OURS, minimum="lower50"), 0.0)
    ledger.computed(computed(OURS, "lower50"), 0.1)
    effects, _ = expire_until_answered(ledger, since=0.1)
    result = as_result(one_of(effects, SendReply).replies[0])
    assert (result.subnetwork, result.degraded) == ("lower50", True)


def test_where_nobody_is_left_who_could_a_refusal_waits_for_somebody_to_be_placed() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(OURS, minimum="100"), 0.0)
    ledger.computed(computed(OURS, "lower50"), 0.1)
    assert ledger.team_changed(team("a", ALONE), 0.2) == []
    both_ours = team("a", {"lower": ["a"], "upper": ["a"]})
    assert one_of(ledger.team_changed(both_ours, 0.4), Compute).stages == ("upper50",)
    reply = one_of(ledger.computed(computed(OURS, "upper50"), 0.5), SendReply)
    assert as_result(reply.replies[0]).subnetwork == "100"


def test_where_nobody_can_give_the_minimum_the_refusal_says_what_is_online() -> None:
    ledger = ledger_of(ALONE)
    ledger.arrived(arrival("1", minimum="100"), 0.0)
    assert ledger.computed(computed("1", "lower50"), 0.1) == []
    effects, waited_s = expire_until_answered(ledger, since=0.1)
    assert waited_s == pytest.approx(TIMING.straggler_s)
    error = error_of(effects)
    assert error.code == ErrorCode.SUBNETWORK_UNAVAILABLE
    assert "ask for 'lower50'" in error.message


def test_a_device_that_never_heard_the_request_is_no_reason_to_answer_less() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(THEIRS, minimum="100"), 0.0)
    ledger.computed(computed(THEIRS, "lower50"), 0.1)
    assert ledger.unheard(Unheard("b", (request(THEIRS).key,)), 0.2) == []
    effects, _ = expire_until_answered(ledger, since=0.2)
    assert error_of(effects).code == ErrorCode.SUBNETWORK_UNAVAILABLE


# The latest moment.


def test_the_answer_goes_out_by_the_deadline_with_what_is_there() -> None:
    ledger = ledger_of(PAIR)
    ledger.load("b", 9)  # it is at work, and would be waited for
    ledger.arrived(arrival(OURS, deadline_s=0.25), 10.0)
    ledger.computed(computed(OURS, "lower50"), 10.1)
    assert ledger.expire(10.2) == []
    effects, waited_s = expire_until_answered(ledger, since=10.0)
    assert waited_s == pytest.approx(0.25)
    result = as_result(one_of(effects, SendReply).replies[0])
    assert (result.subnetwork, result.degraded) == ("lower50", True)


def test_an_answer_that_is_complete_does_not_wait_for_its_deadline() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(OURS, deadline_s=60.0), 0.0)
    ledger.computed(computed(OURS, "lower50"), 0.1)
    effects = ledger.partial(partial(OURS, "b", "upper50"), 0.2)
    assert not as_result(one_of(effects, SendReply).replies[0]).degraded
    confirm(ledger, effects)
    assert ledger.expire(61.0) == []


def test_a_deadline_that_passes_while_we_compute_is_missed_and_the_late_share_means_nothing() -> (
    None
):
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(OURS, ack_id=5, deadline_s=0.25), 0.0)
    effects = ledger.expire(0.25)
    error = error_of(effects)
    assert error.code == ErrorCode.DEADLINE_MISSED
    assert "within 250 ms" in error.message
    assert ledger.computed(computed(OURS, "lower50"), 0.3) == []
    assert Ack(5) in confirm(ledger, effects)
    assert len(ledger) == 0


def test_at_the_deadline_less_than_the_minimum_is_an_error_that_says_whose_fault_it_is() -> None:
    for holders, code in (
        (PAIR, ErrorCode.DEADLINE_MISSED),
        (ALONE, ErrorCode.SUBNETWORK_UNAVAILABLE),
    ):
        ledger = ledger_of(holders)
        ledger.arrived(arrival(OURS, minimum="100", deadline_s=0.25), 0.0)
        ledger.computed(computed(OURS, "lower50"), 0.1)
        assert error_of(ledger.expire(0.25)).code == code


def test_only_the_combining_device_looks_at_the_deadline_until_it_is_gone() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(THEIRS, deadline_s=0.25), 0.0)
    assert one_of(ledger.computed(computed(THEIRS, "lower50"), 0.1), SendPartials).to == "b"
    assert ledger.expire(0.3) == []
    trio = team("a", {"lower": ["a"], "upper": ["c"]})
    assert all_of(ledger.team_changed(trio, 0.4), SendReply)


def test_whoever_answers_alone_has_nobody_to_stop_waiting_for() -> None:
    ledger = ledger_of(ALONE)
    ledger.arrived(arrival("1", route=SHARED, deadline_s=0.25), 0.0)
    assert ledger.next_deadline() is None
    reply = one_of(ledger.computed(computed("1", "lower50"), 9.0), SendReply)
    assert as_result(reply.replies[0]).subnetwork == "lower50"


def test_each_of_equal_requests_has_its_own_time() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(OURS, ack_id=5, deadline_s=0.25), 0.0)
    ledger.arrived(arrival(OURS, ack_id=6, deadline_s=0.25), 0.2)
    effects = ledger.expire(0.25)
    assert Ack(5) in confirm(ledger, effects, now=0.3)
    assert ledger.expire(0.5) == []
    assert error_of(ledger.expire(0.55)).code == ErrorCode.DEADLINE_MISSED
