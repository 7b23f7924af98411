from collections.abc import Mapping

import numpy as np
import pytest

from edge_agent.core.effects import Ack, Compute, Effect, Note, SendDone, SendPartials, SendReply
from edge_agent.core.events import ComputeFailed, RequestFault, Route
from edge_agent.core.ledger import Ledger
from edge_agent.core.team import rendezvous
from fluid.errors import ErrorCode
from fluid.messages import Done, ErrorReply, Mode, Partial
from tests.unit.edge_agent.making import (
    OTHER_DIGEST,
    STAGES,
    TIMING,
    all_of,
    arrival,
    as_result,
    computed,
    logits_of,
    one_of,
    partial,
    request,
    settings,
    team,
)

ALONE = {"lower": ["a"], "upper": []}
PAIR = {"lower": ["a"], "upper": ["b"]}
TRIO = {"lower": ["a"], "upper": ["b", "c"]}
SHARED = Route.SHARED
FAULT = RequestFault(ErrorCode.NOT_AN_IMAGE, "no image")


def ledger_of(
    holders: Mapping[str, list[str]], *, me: str = "a", members: tuple[str, ...] = ()
) -> Ledger:
    ledger = Ledger(settings(me))
    ledger.team_changed(team(me, holders, members=members), 0.0)
    return ledger


def name_where(**winners: str) -> str:
    """The name of a request whose key belongs to these: `abc="a"` says, of a, b and c to a."""
    for number in range(1000):
        key = request(str(number)).key
        if all(rendezvous(key, tuple(group)) == winner for group, winner in winners.items()):
            return str(number)
    raise LookupError(winners)


OURS = name_where(ab="a")
THEIRS = name_where(ab="b")


def done(*names: str, settled: bool = False) -> Done:
    return Done(tuple(request(name).key for name in names), settled=settled)


def confirm(ledger: Ledger, effects: list[Effect], now: float = 1.0) -> list[Effect]:
    """The broker has the reply among these effects."""
    return ledger.confirmed(one_of(effects, SendReply).token, now, accepted=True)


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
    assert ledger.compute_failed(ComputeFailed(request("1").key, FAULT), 0.0) == []
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
    assert ledger.knows(request(THEIRS).key)


def test_notices_from_before_requests_came_our_way_are_of_none_that_will() -> None:
    ledger = ledger_of(PAIR)
    ledger.done(done(THEIRS), 0.0)
    ledger.joined()
    assert one_of(ledger.arrived(arrival(THEIRS), 0.1), Compute)


def test_a_done_notice_while_we_compute_lets_go_and_the_late_result_is_nothing() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(THEIRS, ack_id=5), 0.0)
    assert ledger.done(done(THEIRS), 0.1) == [Ack(5)]
    assert ledger.computed(computed(THEIRS, "lower50"), 0.2) == []


def test_a_done_notice_while_our_own_reply_is_on_its_way_waits_for_the_confirmation() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(THEIRS, ack_id=5), 0.0)
    ledger.computed(computed(THEIRS, "lower50"), 0.1)
    effects = ledger.expire(5.0)
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
    effects = ledger.compute_failed(ComputeFailed(request(name).key, FAULT), 0.1)
    assert one_of(effects, SendReply).replies == (ErrorReply(name, "not_an_image", "no image"),)


# Devices that go.


def test_when_the_combiner_dies_shares_are_handed_to_the_next() -> None:
    name = name_where(abc="c", ab="b")
    ledger = ledger_of(TRIO)
    ledger.arrived(arrival(name), 0.0)
    assert one_of(ledger.computed(computed(name, "lower50"), 0.1), SendPartials).to == "c"
    assert one_of(ledger.team_changed(team("a", PAIR), 0.5), SendPartials).to == "b"


def test_when_the_combiner_dies_the_next_adds_what_it_is_handed() -> None:
    name = name_where(abc="c", ab="a")
    ledger = ledger_of(TRIO)
    ledger.arrived(arrival(name), 0.0)
    ledger.computed(computed(name, "lower50"), 0.1)
    assert ledger.team_changed(team("a", PAIR), 0.5) == []
    assert one_of(ledger.partial(partial(name, "b", "upper50"), 0.6), SendReply)


def test_shares_of_others_go_along_when_a_combiner_hands_over_after_a_new_link() -> None:
    ledger = ledger_of({"lower": ["a"], "upper": ["c"]}, members=("b",))
    name = name_where(abc="b")
    ledger.arrived(arrival(name), 0.0)
    ledger.computed(computed(name, "lower50"), 0.1)
    ledger.partial(partial(name, "c", "upper50"), 0.2)
    handed = one_of(ledger.hand_over_again(1.0), SendPartials)
    assert handed.to == "b"
    assert [(share.sender, STAGES[share.stage]) for share in handed.partials] == [
        ("a", "lower50"),
        ("c", "upper50"),
    ]


def test_when_the_combiner_of_two_dies_the_other_answers_at_once() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(THEIRS), 0.0)
    ledger.computed(computed(THEIRS, "lower50"), 0.1)
    reply = one_of(ledger.team_changed(team("a", ALONE), 0.5), SendReply)
    (result,) = map(as_result, reply.replies)
    assert (result.subnetwork, result.degraded) == ("lower50", False)


def test_when_the_sender_of_a_share_dies_the_combiner_answers_from_what_is_there_at_once() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(OURS), 0.0)
    ledger.computed(computed(OURS, "lower50"), 0.1)
    reply = one_of(ledger.team_changed(team("a", ALONE), 0.5), SendReply)
    (result,) = map(as_result, reply.replies)
    assert (result.subnetwork, result.degraded) == ("lower50", False)


def test_a_share_that_falls_to_us_later_reaches_the_combiner_that_waits_for_it() -> None:
    # c has no share while b is there; when b dies, the upper slot is c's to compute.
    name = name_where(abc="a", bc="b")
    ledger = ledger_of(TRIO, me="c")
    assert ledger.arrived(arrival(name), 0.0) == []
    compute = one_of(ledger.team_changed(team("c", {"lower": ["a"], "upper": ["c"]}), 0.5), Compute)
    assert compute.stages == ("upper50",)
    handed = one_of(ledger.computed(computed(name, "upper50"), 0.6), SendPartials)
    assert handed.to == "a"
    assert [STAGES[share.stage] for share in handed.partials] == ["upper50"]


def test_a_deadline_that_passes_while_a_later_share_is_computed_is_set_again() -> None:
    name = name_where(abc="b")
    ledger = ledger_of({"lower": ["a"], "upper": ["c"]}, members=("b",))
    ledger.arrived(arrival(name), 0.0)
    ledger.computed(computed(name, "lower50"), 0.1)
    both_ours = team("a", {"lower": ["a"], "upper": ["a"]}, members=("b",))
    assert one_of(ledger.team_changed(both_ours, 0.5), Compute).stages == ("upper50",)
    assert ledger.expire(3.0) == []
    handed = one_of(ledger.computed(computed(name, "upper50"), 4.0), SendPartials)
    assert [STAGES[share.stage] for share in handed.partials] == ["lower50", "upper50"]
    deadline = ledger.next_deadline()
    assert deadline is not None
    assert one_of(ledger.expire(deadline), SendReply)


# Deadlines.


def test_a_straggler_is_not_waited_for_beyond_the_deadline() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(OURS, ack_id=5), 0.0)
    ledger.computed(computed(OURS, "lower50"), 0.1)
    assert ledger.next_deadline() == pytest.approx(0.1 + TIMING.straggler_s)
    assert ledger.expire(1.0) == []
    effects = ledger.expire(1.1)
    (result,) = map(as_result, one_of(effects, SendReply).replies)
    assert (result.subnetwork, result.mode, result.degraded) == ("lower50", Mode.HA, True)
    assert confirm(ledger, effects, 1.2) == [SendDone(done(OURS)), Ack(5)]


def test_whoever_handed_its_share_over_answers_itself_after_the_deadline() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(THEIRS, ack_id=5), 0.0)
    ledger.computed(computed(THEIRS, "lower50"), 0.1)
    assert ledger.expire(2.0) == []
    effects = ledger.expire(2.1)
    (result,) = map(as_result, one_of(effects, SendReply).replies)
    assert (result.subnetwork, result.degraded) == ("lower50", True)
    assert confirm(ledger, effects, 2.2) == [SendDone(done(THEIRS)), Ack(5)]


def test_slow_models_are_waited_for_longer() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(OURS), 0.0)
    ledger.computed(computed(OURS, "lower50"), 4.0)
    assert ledger.next_deadline() == 12.0


def test_who_let_a_deadline_pass_is_waited_for_briefly_until_it_is_heard_from() -> None:
    ledger = ledger_of(PAIR)
    names = [str(n) for n in range(200) if rendezvous(request(str(n)).key, ("a", "b")) == "a"]
    first, second, third = names[:3]
    ledger.arrived(arrival(first), 0.0)
    ledger.computed(computed(first, "lower50"), 0.0)
    ledger.expire(1.0)
    ledger.arrived(arrival(second), 2.0)
    ledger.computed(computed(second, "lower50"), 2.0)
    assert one_of(ledger.expire(2.0 + TIMING.brief_s), SendReply)
    ledger.partial(partial(second, "b", "upper50"), 2.5)
    ledger.arrived(arrival(third), 3.0)
    ledger.computed(computed(third, "lower50"), 3.0)
    assert ledger.expire(3.9) == []


def test_a_device_without_a_share_computes_its_own_slot_if_nobody_answers() -> None:
    name = name_where(abc="a", bc="b")
    ledger = ledger_of(TRIO, me="c")
    ledger.arrived(arrival(name, ack_id=5), 0.0)
    compute = one_of(ledger.expire(TIMING.handover_s), Compute)
    assert compute.stages == ("upper50",)
    effects = ledger.computed(computed(name, "upper50"), 2.5)
    (result,) = map(as_result, one_of(effects, SendReply).replies)
    assert result.subnetwork == "upper50"
    assert Ack(5) in confirm(ledger, effects, 2.6)


def test_shares_of_an_answered_request_tell_their_sender_that_it_is_settled() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(OURS), 0.0)
    ledger.computed(computed(OURS, "lower50"), 0.0)
    confirm(ledger, ledger.expire(1.0), 1.0)
    ledger.partial(partial(OURS, "b", "upper50"), 1.1)
    assert all_of(ledger.expire(1.3), SendDone) == []
    assert ledger.expire(1.5) == [SendDone(done(OURS, settled=True))]


def test_a_settled_notice_is_of_what_is_held_now_and_of_nothing_to_come() -> None:
    ledger = ledger_of(PAIR)
    ledger.done(done(THEIRS, settled=True), 0.0)
    assert one_of(ledger.arrived(arrival(THEIRS, ack_id=5), 0.1), Compute)
    assert ledger.done(done(THEIRS, settled=True), 0.2) == [Ack(5)]


# Newcomers.


def test_a_newcomer_is_never_handed_a_request_that_it_has_not_heard() -> None:
    ledger = ledger_of(PAIR)
    names = [str(number) for number in range(40)]
    for name in names:
        ledger.arrived(arrival(name), 0.0)
    effects = ledger.team_changed(team("a", PAIR, members=("newcomer",)), 0.1)
    for name in names:
        effects += ledger.computed(computed(name, "lower50"), 0.2)
    assert {handed.to for handed in all_of(effects, SendPartials)} == {"b"}


# Equal requests.


def test_equal_requests_are_computed_once_and_answered_each() -> None:
    ledger = ledger_of(ALONE)
    effects = []
    for ack_id in (5, 6, 7):
        effects += ledger.arrived(arrival("1", ack_id=ack_id), 0.0)
    assert len(all_of(effects, Compute)) == 1
    effects = ledger.computed(computed("1", "lower50"), 0.1)
    for ack_id in (5, 6, 7):
        assert all_of(effects, Ack) == []
        effects = confirm(ledger, effects)
        assert Ack(ack_id) in effects
        effects = [effect for effect in effects if not isinstance(effect, Ack)]
    assert len(ledger) == 0


def test_one_done_notice_lets_go_of_one_of_several_equal_requests() -> None:
    ledger = ledger_of(PAIR)
    for ack_id in (5, 6):
        ledger.arrived(arrival(THEIRS, ack_id=ack_id), 0.0)
    ledger.computed(computed(THEIRS, "lower50"), 0.1)
    first = ledger.done(done(THEIRS), 0.2)
    assert all_of(first, Ack) == [Ack(5)]
    assert one_of(first, SendPartials).to == "b"
    assert ledger.done(done(THEIRS), 0.3) == [Ack(6)]


@pytest.mark.parametrize("holders", [ALONE, PAIR])
def test_our_own_done_notice_does_not_swallow_the_next_equal_request(
    holders: Mapping[str, list[str]],
) -> None:
    ledger = ledger_of(holders)
    for round_ in range(3):
        now = float(round_)
        assert one_of(ledger.arrived(arrival(OURS, ack_id=round_), now), Compute)
        effects = ledger.computed(computed(OURS, "lower50"), now)
        effects += ledger.partial(partial(OURS, "b", "upper50"), now)
        (notice, ack) = confirm(ledger, effects, now)
        assert ack == Ack(round_)
        assert isinstance(notice, SendDone)
        assert ledger.done(notice.notice, now + 0.1) == []


def test_a_second_answer_to_one_delivery_does_not_swallow_the_next_equal_request() -> None:
    ledger = ledger_of(TRIO)
    ledger.arrived(arrival(THEIRS, ack_id=5), 0.0)
    assert ledger.done(done(THEIRS), 0.1) == [Ack(5)]
    assert ledger.done(done(THEIRS), 0.2) == []  # c had answered as well
    assert one_of(ledger.arrived(arrival(THEIRS, ack_id=6), 0.3), Compute)


# Both routes.


def test_a_request_that_comes_by_both_routes_is_answered_once_and_acknowledged_twice() -> None:
    for routes in (tuple(Route), tuple(reversed(Route))):
        ledger = ledger_of(ALONE)
        effects = []
        for ack_id, route in enumerate(routes, start=5):
            effects += ledger.arrived(arrival("1", ack_id=ack_id, route=route), 0.0)
        effects += ledger.computed(computed("1", "lower50"), 0.1)
        assert len(all_of(effects, SendReply)) == 1
        acks = all_of(confirm(ledger, effects), Ack)
        assert sorted(ack.ack_id for ack in acks) == [5, 6]
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
    failed = ours.compute_failed(ComputeFailed(request(OURS).key, FAULT), 0.1)
    assert one_of(failed, SendReply)
    assert theirs.compute_failed(ComputeFailed(request(THEIRS).key, FAULT), 0.1) == []
    assert one_of(theirs.expire(5.0), SendReply).replies[0].id == THEIRS


# Links.


def test_a_lost_link_forgets_everything_and_no_stale_confirmation_counts() -> None:
    ledger = ledger_of(ALONE)
    ledger.arrived(arrival("1", ack_id=5), 0.0)
    stale = one_of(ledger.computed(computed("1", "lower50"), 0.1), SendReply).token
    ledger.link_lost()
    assert len(ledger) == 0
    assert ledger.next_deadline() is None
    assert ledger.confirmed(stale, 0.2, accepted=True) == []

    ledger.arrived(arrival("1", ack_id=1), 0.3)  # the broker sends it again
    fresh = one_of(ledger.computed(computed("1", "lower50"), 0.4), SendReply).token
    assert fresh != stale
    assert ledger.confirmed(stale, 0.5, accepted=True) == []
    assert Ack(1) in ledger.confirmed(fresh, 0.6, accepted=True)


def test_a_confirmation_counts_once() -> None:
    ledger = ledger_of(ALONE)
    for ack_id in (5, 6):
        ledger.arrived(arrival("1", ack_id=ack_id), 0.0)
    token = one_of(ledger.computed(computed("1", "lower50"), 0.1), SendReply).token
    assert Ack(5) in ledger.confirmed(token, 0.2, accepted=True)
    assert ledger.confirmed(token, 0.3, accepted=True) == []


def test_after_a_new_control_link_shares_are_handed_over_again() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(THEIRS), 0.0)
    first = ledger.computed(computed(THEIRS, "lower50"), 0.1)
    again = one_of(ledger.hand_over_again(1.0), SendPartials)
    assert again.to == one_of(first, SendPartials).to


def test_an_unchanged_team_moves_nothing() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(THEIRS), 0.0)
    ledger.computed(computed(THEIRS, "lower50"), 0.1)
    assert ledger.team_changed(team("a", PAIR), 0.2) == []


# What an adopter may leave out.


def test_known_is_what_went_to_everyone_and_is_held_or_was_answered() -> None:
    ledger = ledger_of(ALONE)
    assert not ledger.knows(request("1").key)
    ledger.arrived(arrival("1", route=SHARED), 0.0)
    assert not ledger.knows(request("1").key)
    ledger.arrived(arrival("1"), 0.0)
    assert ledger.knows(request("1").key)
    confirm(ledger, ledger.computed(computed("1", "lower50"), 0.1))
    assert ledger.knows(request("1").key)
    ledger.expire(100.0)
    assert not ledger.knows(request("1").key)


def test_what_was_answered_alone_is_not_known_to_have_reached_everyone() -> None:
    ledger = ledger_of(ALONE)
    ledger.arrived(arrival("1", route=SHARED), 0.0)
    confirm(ledger, ledger.computed(computed("1", "lower50"), 0.1))
    assert not ledger.knows(request("1").key)
