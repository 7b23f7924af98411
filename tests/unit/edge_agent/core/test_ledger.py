from dataclasses import replace

import numpy as np
import pytest

from edge_agent.core.effects import Ack, Compute, Note, SendDone, SendPartials, SendReply
from edge_agent.core.events import ComputeFailed, Route
from fluid.messages import ErrorReply, Mode, Partial, Unheard
from tests.unit.edge_agent.core.ledgers import (
    ALONE,
    FAULT,
    OURS,
    PAIR,
    THEIRS,
    confirm,
    done,
    ledger_of,
    name_where,
)
from tests.unit.edge_agent.making import (
    DIGEST,
    OTHER_DIGEST,
    STAGES,
    all_of,
    arrival,
    as_result,
    computed,
    logits_of,
    one_of,
    partial,
    request,
    team,
)

SHARED = Route.SHARED


# Alone.


@pytest.mark.parametrize("route", Route)
def test_a_request_is_acknowledged_only_after_its_reply_is_confirmed(route: Route) -> None:
    ledger = ledger_of(ALONE)
    (compute,) = ledger.arrived(arrival("1", ack_id=5, route=route), 0.0)
    assert compute == Compute(request("1"), ("lower50",))
    effects = ledger.computed(computed("1", "lower50"), 0.1)
    reply = one_of(effects, SendReply)
    assert all_of(effects, Ack) == []
    assert len(ledger) == 1
    assert Ack(5) in ledger.confirmed(reply.token, 0.2, accepted=True)
    assert len(ledger) == 0


def test_an_answer_says_how_it_came_about() -> None:
    ledger = ledger_of(ALONE)
    ledger.arrived(arrival("1", route=SHARED), 10.0)
    reply = one_of(ledger.computed(computed("1", "lower50", compute_ms=20.0), 10.1), SendReply)
    (result,) = map(as_result, reply.replies)
    assert (result.mode, result.subnetwork, result.devices) == (Mode.HT, "lower50", ("a",))
    assert result.compute_ms == 20.0
    assert result.queue_ms == pytest.approx(80.0)
    assert not result.degraded


def test_the_survivor_alone_is_not_degraded() -> None:
    ledger = ledger_of(ALONE)
    ledger.arrived(arrival("1"), 0.0)
    reply = one_of(ledger.computed(computed("1", "lower50"), 0.1), SendReply)
    (result,) = map(as_result, reply.replies)
    assert (result.mode, result.subnetwork, result.degraded) == (Mode.HA, "lower50", False)


def test_a_shared_request_is_answered_alone_also_where_others_are() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(THEIRS, route=SHARED), 0.0)
    effects = ledger.computed(computed(THEIRS, "lower50"), 0.1)
    assert one_of(effects, SendReply)
    assert all_of(confirm(ledger, effects), SendDone) == []


def test_a_reply_that_the_broker_refuses_is_noted_and_let_go_of() -> None:
    ledger = ledger_of(ALONE)
    ledger.arrived(arrival("1", ack_id=5), 0.0)
    reply = one_of(ledger.computed(computed("1", "lower50"), 0.1), SendReply)
    effects = ledger.confirmed(reply.token, 0.2, accepted=False)
    assert one_of(effects, Note).problem
    assert Ack(5) in effects


def test_a_device_without_a_slot_keeps_requests_until_it_has_one() -> None:
    ledger = ledger_of({"lower": [], "upper": []})
    ledger.arrived(arrival("1", ack_id=5), 0.0)
    effects = ledger.computed(computed("1"), 0.1)
    for now in (1.0, 2.5, 5.0, 7.5):
        effects += ledger.expire(now)
    assert all_of(effects, SendReply) == []
    assert all_of(effects, Ack) == []
    assert Compute(request("1"), ("lower50",)) in ledger.team_changed(team("a", ALONE), 8.0)
    assert one_of(ledger.computed(computed("1", "lower50"), 8.1), SendReply)


def test_a_batch_is_answered_as_a_list_also_a_batch_of_one() -> None:
    for images in (1, 3):
        ledger = ledger_of(ALONE)
        ledger.arrived(arrival("1"), 0.0)
        event = computed("1", "lower50", images=images, is_batch=True)
        reply = one_of(ledger.computed(event, 0.1), SendReply)
        assert reply.as_list
        assert len(reply.replies) == images


def test_results_of_nothing_that_is_held_only_count_as_work() -> None:
    ledger = ledger_of(ALONE)
    assert ledger.computed(computed("1", "lower50", compute_ms=7.0), 0.0) == []
    assert ledger.compute_failed(ComputeFailed(request("1").key, FAULT, DIGEST), 0.0) == []
    assert ledger.compute_ms_total == 7.0


# Together.


def test_the_combiner_adds_the_other_share_answers_and_tells_the_rest() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(OURS, ack_id=5), 0.0)
    assert ledger.computed(computed(OURS, "lower50"), 0.1) == []
    effects = ledger.partial(partial(OURS, "b", "upper50"), 0.2)
    (result,) = map(as_result, one_of(effects, SendReply).replies)
    assert (result.subnetwork, result.devices, result.degraded) == ("100", ("a", "b"), False)
    assert confirm(ledger, effects) == [SendDone(done(OURS)), Ack(5)]


def test_everybody_else_hands_its_share_over_and_waits_for_the_done_notice() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(THEIRS, ack_id=5), 0.0)
    (handed,) = ledger.computed(computed(THEIRS, "lower50", compute_ms=4.0), 0.1)
    assert isinstance(handed, SendPartials)
    assert handed.to == "b"
    (share,) = handed.partials
    assert (share.key, share.sender, STAGES[share.stage]) == (
        request(THEIRS).key,
        "a",
        "lower50",
    )
    assert share.compute_ms == 4.0
    assert np.array_equal(share.logits, logits_of("lower50"))
    assert ledger.done(done(THEIRS), 0.2) == [Ack(5)]
    assert len(ledger) == 0


def test_a_share_that_comes_before_its_request_is_kept_for_it() -> None:
    ledger = ledger_of(PAIR)
    assert ledger.partial(partial(OURS, "b", "upper50"), 0.0) == []
    ledger.arrived(arrival(OURS), 0.1)
    assert one_of(ledger.computed(computed(OURS, "lower50"), 0.2), SendReply)


def test_a_done_notice_that_comes_before_its_request_lets_go_of_it_at_once() -> None:
    ledger = ledger_of(PAIR)
    assert ledger.done(done(THEIRS), 0.0) == []
    assert ledger.arrived(arrival(THEIRS, ack_id=5), 0.1) == [Ack(5)]
    assert len(ledger) == 0
    assert ledger.knows(request(THEIRS, unique=True))


def test_a_notice_about_what_we_combine_is_of_another_devices_copy() -> None:
    ledger = ledger_of(PAIR)
    assert ledger.done(done(OURS), 0.0) == []
    assert one_of(ledger.arrived(arrival(OURS, ack_id=5), 0.1), Compute)
    assert ledger.done(done(OURS), 0.2) == []
    assert len(ledger) == 1


def test_notices_from_before_requests_came_our_way_are_of_none_that_will() -> None:
    ledger = ledger_of(PAIR)
    ledger.done(done(THEIRS), 0.0)
    ledger.joined(0.0)
    assert one_of(ledger.arrived(arrival(THEIRS), 0.1), Compute)


def test_just_after_joining_a_notice_of_a_request_without_an_id_may_be_of_another() -> None:
    ledger = ledger_of(PAIR)
    ledger.joined(0.0)
    ledger.done(done(THEIRS), 0.1)
    nameless = arrival(THEIRS)
    nameless = replace(nameless, request=replace(nameless.request, id=nameless.request.key.hex()))
    assert one_of(ledger.arrived(nameless, 0.2), Compute)


def test_a_done_notice_while_we_compute_lets_go_and_the_late_result_is_nothing() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(THEIRS, ack_id=5), 0.0)
    assert ledger.done(done(THEIRS), 0.1) == [Ack(5)]
    assert ledger.computed(computed(THEIRS, "lower50"), 0.2) == []


def test_a_done_notice_while_our_own_reply_is_on_its_way_waits_for_the_confirmation() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(THEIRS, ack_id=5), 0.0)
    ledger.computed(computed(THEIRS, "lower50"), 0.1)
    effects = ledger.unheard(Unheard("b", (request(THEIRS).key,)), 5.0)
    assert ledger.done(done(THEIRS), 5.1) == []
    assert Ack(5) in confirm(ledger, effects, 5.2)


@pytest.mark.parametrize("early", [True, False])
def test_the_bits_do_not_depend_on_which_share_came_first(*, early: bool) -> None:
    ledger = ledger_of(PAIR)
    other = partial(OURS, "b", "upper50")
    effects = ledger.partial(other, 0.0) if early else []
    effects += ledger.arrived(arrival(OURS), 0.1)
    effects += ledger.computed(computed(OURS, "lower50"), 0.2)
    if not early:
        effects += ledger.partial(other, 0.3)
    (result,) = map(as_result, one_of(effects, SendReply).replies)
    total = logits_of("lower50") + logits_of("upper50")
    assert result.label == int(total.argmax())


def test_a_share_of_another_bundle_is_not_added() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(OURS), 0.0)
    ledger.computed(computed(OURS, "lower50"), 0.1)
    assert ledger.partial(partial(OURS, "b", "upper50", digest=OTHER_DIGEST), 0.2) == []


@pytest.mark.parametrize(
    "strange",
    [
        Partial(request(OURS).key, "b", "ab" * 32, 99, logits_of("upper50")),
        Partial(request(OURS).key, "b", "ab" * 32, 3, np.zeros((1, 7), np.float32)),
        Partial(request(OURS).key, "b", "ab" * 32, 3, np.zeros((4, 3), np.float32)),
        Partial(request(OURS).key, "b", "ab" * 32, 1, logits_of("upper50")),
    ],
    ids=["no such stage", "other classes", "other number of images", "a share that we have"],
)
@pytest.mark.parametrize("early", [True, False])
def test_a_share_that_cannot_belong_to_the_request_is_not_added(
    strange: Partial, *, early: bool
) -> None:
    ledger = ledger_of(PAIR)
    if early:
        ledger.partial(strange, 0.0)
    ledger.arrived(arrival(OURS), 0.0)
    ledger.computed(computed(OURS, "lower50"), 0.1)
    assert ledger.partial(strange, 0.2) == []
    reply = one_of(ledger.partial(partial(OURS, "b", "upper50"), 0.3), SendReply)
    (result,) = map(as_result, reply.replies)
    assert (result.subnetwork, result.devices) == ("100", ("a", "b"))
    assert result.label == int((logits_of("lower50") + logits_of("upper50")).argmax())


def test_a_share_that_was_meant_for_another_combiner_is_passed_on() -> None:
    ledger = ledger_of({"lower": ["a"], "upper": ["c"]}, members=("b",))
    name = name_where(abc="b")
    ledger.arrived(arrival(name), 0.0)
    ledger.computed(computed(name, "lower50"), 0.1)
    stray = partial(name, "c", "upper50")
    assert ledger.partial(stray, 0.2) == [SendPartials("b", (stray,))]
    assert ledger.partial(stray, 0.3) == []


# Who combines without a share of its own.


def test_a_combiner_without_a_share_still_reads_the_payload_so_batches_are_lists() -> None:
    name = name_where(abc="c")
    ledger = ledger_of(PAIR, me="c")
    (compute,) = ledger.arrived(arrival(name), 0.0)
    assert compute == Compute(request(name), ())
    ledger.partial(partial(name, "a", "lower50", images=2), 0.1)
    effects = ledger.partial(partial(name, "b", "upper50", images=2), 0.1)
    assert all_of(effects, SendReply) == []
    reply = one_of(ledger.computed(computed(name, is_batch=True), 0.2), SendReply)
    assert reply.as_list
    assert [as_result(each).subnetwork for each in reply.replies] == ["100", "100"]


def test_a_combiner_without_a_share_answers_for_a_payload_that_is_no_image() -> None:
    name = name_where(abc="c")
    ledger = ledger_of(PAIR, me="c")
    ledger.arrived(arrival(name), 0.0)
    effects = ledger.compute_failed(ComputeFailed(request(name).key, FAULT, DIGEST), 0.1)
    assert one_of(effects, SendReply).replies == (ErrorReply(name, "not_an_image", "no image"),)


# Both routes.


def test_a_unique_request_that_comes_by_both_routes_is_answered_once() -> None:
    for routes in (tuple(Route), tuple(reversed(Route))):
        ledger = ledger_of(ALONE)
        effects = []
        for ack_id, route in enumerate(routes, start=5):
            event = arrival("1", ack_id=ack_id, route=route, unique=True)
            effects += ledger.arrived(event, 0.0)
        effects += ledger.computed(computed("1", "lower50"), 0.1)
        assert len(all_of(effects, SendReply)) == 1
        acks = all_of(confirm(ledger, effects), Ack)
        assert sorted(ack.ack_id for ack in acks) == [5, 6]
        assert len(ledger) == 0


def test_requests_that_may_be_different_ones_are_answered_for_each_route() -> None:
    ledger = ledger_of(ALONE)
    ledger.arrived(arrival("1", ack_id=5), 0.0)
    ledger.arrived(arrival("1", ack_id=6, route=SHARED), 0.0)
    first = ledger.computed(computed("1", "lower50"), 0.1)
    second = confirm(ledger, first)
    assert Ack(5) in second
    assert Ack(6) in confirm(ledger, second)
    assert len(ledger) == 0


def test_a_done_notice_of_others_is_no_answer_to_a_request_that_is_ours_alone() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(THEIRS, ack_id=5, route=SHARED), 0.0)
    assert ledger.done(done(THEIRS), 0.1) == []
    effects = ledger.computed(computed(THEIRS, "lower50"), 0.2)
    assert Ack(5) in confirm(ledger, effects)


# Faults.


def test_a_bad_envelope_is_answered_by_the_combiner_without_computing() -> None:
    ledger = ledger_of(PAIR)
    reply = one_of(ledger.arrived(arrival(OURS, fault=FAULT), 0.0), SendReply)
    assert reply.replies == (ErrorReply(OURS, "not_an_image", "no image"),)
    assert not reply.as_list


def test_others_leave_a_faulty_request_to_the_combiner() -> None:
    ledger = ledger_of(PAIR)
    assert ledger.arrived(arrival(THEIRS, ack_id=5, fault=FAULT), 0.0) == []
    assert ledger.done(done(THEIRS), 0.1) == [Ack(5)]


def test_a_payload_that_is_no_image_is_answered_by_the_combiner_alone() -> None:
    ours, theirs = ledger_of(PAIR), ledger_of(PAIR)
    ours.arrived(arrival(OURS), 0.0)
    theirs.arrived(arrival(THEIRS), 0.0)
    failed = ours.compute_failed(ComputeFailed(request(OURS).key, FAULT, DIGEST), 0.1)
    assert one_of(failed, SendReply)
    assert theirs.compute_failed(ComputeFailed(request(THEIRS).key, FAULT, DIGEST), 0.1) == []
    assert theirs.expire(1.0) == []
    # With no share to hand over, it would not be told of an answer that was given before.
    late = theirs.expire(5.0)
    assert one_of(late, SendReply).replies[0].id == THEIRS
