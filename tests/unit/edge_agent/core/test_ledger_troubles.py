"""What happens to held requests when devices, links and messages do not behave."""

from collections.abc import Mapping

import pytest

from edge_agent.core.effects import (
    Ack,
    Compute,
    SendDone,
    SendPartials,
    SendReply,
    SendUnheard,
)
from edge_agent.core.events import Route
from fluid.messages import Done, Mode, Unheard
from tests.unit.edge_agent.core.ledgers import (
    ALONE,
    OURS,
    PAIR,
    THEIRS,
    TRIO,
    confirm,
    done,
    ledger_of,
    name_where,
    names_of,
)
from tests.unit.edge_agent.making import (
    STAGES,
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
    again = one_of(ledger.expire(deadline), SendPartials)
    assert [STAGES[share.stage] for share in again.partials] == ["lower50", "upper50"]


def unheard(*names: str) -> SendUnheard:
    return SendUnheard(Unheard("a", tuple(request(name).key for name in names)))


# Deadlines.


def test_a_straggler_is_not_waited_for_beyond_the_deadline() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(OURS, ack_id=5), 0.0)
    ledger.computed(computed(OURS, "lower50"), 0.1)
    assert ledger.next_deadline() == pytest.approx(0.1 + TIMING.hint_s)
    assert all_of(ledger.expire(1.0), SendReply) == []
    effects = ledger.expire(1.1)
    (result,) = map(as_result, one_of(effects, SendReply).replies)
    assert (result.subnetwork, result.mode, result.degraded) == ("lower50", Mode.HA, True)
    assert confirm(ledger, effects, 1.2) == [SendDone(done(OURS)), Ack(5)]


def test_whoever_handed_its_share_over_hands_it_over_again_after_the_deadline() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(THEIRS, ack_id=5), 0.0)
    assert one_of(ledger.computed(computed(THEIRS, "lower50"), 0.1), SendPartials).to == "b"
    assert ledger.expire(2.0) == []
    for deadline in (2.1, 4.2):
        (handed,) = ledger.expire(deadline)
        assert isinstance(handed, SendPartials)
        assert (handed.to, len(handed.partials)) == ("b", 1)


def test_whoever_handed_its_share_to_a_device_that_never_heard_of_it_answers_itself() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(THEIRS, ack_id=5), 0.0)
    ledger.computed(computed(THEIRS, "lower50"), 0.1)
    assert ledger.unheard(Unheard("c", (request(THEIRS).key,)), 0.2) == []
    effects = ledger.unheard(Unheard("b", (request(THEIRS).key,)), 0.3)
    (result,) = map(as_result, one_of(effects, SendReply).replies)
    assert (result.subnetwork, result.degraded) == ("lower50", False)
    assert confirm(ledger, effects, 2.2) == [SendDone(done(THEIRS)), Ack(5)]


def test_a_share_is_not_waited_for_once_its_device_says_that_it_never_heard_the_request() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(OURS, ack_id=5), 0.0)
    ledger.computed(computed(OURS, "lower50"), 0.1)
    effects = ledger.unheard(Unheard("b", (request(OURS).key,)), 0.3)
    (result,) = map(as_result, one_of(effects, SendReply).replies)
    assert (result.subnetwork, result.degraded) == ("lower50", False)


def test_shares_are_looked_into_in_time_with_nothing_else_to_do() -> None:
    ledger = ledger_of(PAIR)
    assert ledger.next_deadline() is None
    ledger.partial(partial(OURS, "b", "upper50"), 0.0)
    assert ledger.next_deadline() == 0.3
    ledger.expire(0.3)
    assert ledger.next_deadline() is None


def test_what_cannot_be_judged_yet_is_looked_into_again_and_not_at_once() -> None:
    ledger = ledger_of(PAIR, in_flight=1)
    ledger.arrived(arrival(THEIRS), 0.0)  # there is no room for what we may not have heard
    ledger.partial(partial(OURS, "b", "upper50"), 0.0)
    assert all_of(ledger.expire(0.3), SendUnheard) == []
    deadline = ledger.next_deadline()
    assert deadline is not None
    assert deadline > 0.3


def test_a_share_of_what_an_idle_device_never_heard_is_told_to_its_sender() -> None:
    ledger = ledger_of(PAIR)
    ledger.partial(partial(OURS, "b", "upper50"), 0.0)
    assert ledger.expire(0.2) == []
    assert ledger.expire(0.3) == [SendUnheard(Unheard("a", (request(OURS).key,)))]


def test_a_share_of_what_was_sent_before_our_time_is_told_to_its_sender_under_load() -> None:
    ledger = ledger_of(PAIR)
    later = names_of("a")
    ledger.partial(partial(later[0], "b", "upper50"), 0.0)  # never reaches us
    for number, name in enumerate(later[1:4]):
        at = 0.1 * (number + 1)
        ledger.arrived(arrival(name, ack_id=number), at)
        ledger.partial(partial(name, "b", "upper50"), at)
    assert all_of(ledger.expire(0.29), SendUnheard) == []
    told = one_of(ledger.expire(0.35), SendUnheard).notice
    assert told == Unheard("a", (request(later[0]).key,))


def test_what_one_of_us_never_heard_makes_nobody_wait_less_for_the_other() -> None:
    ledger = ledger_of(PAIR)
    names = names_of("a")
    ledger.partial(partial(names[0], "b", "upper50"), 0.0)
    ledger.arrived(arrival(names[1], ack_id=1), 0.1)
    ledger.partial(partial(names[1], "b", "upper50"), 0.1)
    assert all_of(ledger.expire(0.35), SendUnheard) != []
    ledger.arrived(arrival(names[2], ack_id=2), 0.4)
    ledger.computed(computed(names[2], "lower50"), 0.4)
    assert all_of(ledger.expire(0.6), SendReply) == []  # its share may take as long as any


def test_a_share_that_is_handed_over_again_says_nothing_of_others() -> None:
    ledger = ledger_of(PAIR)
    names = names_of("a")
    ledger.arrived(arrival(names[0]), 0.0)
    ledger.partial(partial(names[0], "b", "upper50"), 0.0)
    ledger.partial(partial(names[1], "b", "upper50"), 0.1)
    ledger.partial(partial(names[0], "b", "upper50"), 0.2)
    assert all_of(ledger.expire(0.5), SendUnheard) == []


def test_a_sender_is_overtaken_only_in_what_it_handed_us_itself_before() -> None:
    ledger = ledger_of(TRIO, in_flight=1)
    held, waits = name_where(abc="a", bc="b"), name_where(abc="a", bc="c")
    ledger.arrived(arrival(held), 0.0)
    ledger.partial(partial(waits, "b", "upper50"), 0.05)
    ledger.partial(partial(held, "c", "upper50"), 0.2)
    ledger.partial(partial(waits, "c", "upper25"), 0.25)  # after what we have, as it should be
    assert all_of(ledger.expire(0.4), SendUnheard) == []


def test_a_hint_says_nothing_of_what_its_sender_handed_us_before() -> None:
    ledger = ledger_of(PAIR, in_flight=1)
    ledger.arrived(arrival(THEIRS), 0.0)  # we take our time, and have no room for more
    ledger.partial(partial(OURS, "b", "upper50"), 0.05)
    ledger.partial(partial(THEIRS, "b", "upper50"), 0.25)
    assert all_of(ledger.expire(0.4), SendUnheard) == []


def test_a_share_that_the_dead_combiner_had_says_nothing_of_what_came_before_it() -> None:
    inherited = name_where(abc="c", ab="a")
    ledger = ledger_of(PAIR, members=("c",), in_flight=1)
    ledger.arrived(arrival(inherited), 0.0)
    ledger.partial(partial(OURS, "b", "upper50"), 0.05)
    ledger.team_changed(team("a", PAIR), 0.2)
    ledger.partial(partial(inherited, "b", "upper50"), 0.25)
    assert all_of(ledger.expire(0.4), SendUnheard) == []


def test_a_share_that_is_early_is_kept_while_its_request_may_still_come() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(THEIRS), 0.0)  # we have something to do, and wait for nobody's share
    ledger.partial(partial(OURS, "b", "upper50"), 0.0)
    assert all_of(ledger.expire(1.0), SendUnheard) == []
    effects = ledger.arrived(arrival(OURS), 1.1) + ledger.computed(computed(OURS, "lower50"), 1.2)
    assert as_result(one_of(effects, SendReply).replies[0]).subnetwork == "100"


def test_two_that_wait_for_each_other_with_different_requests_are_out_of_step() -> None:
    ledger = ledger_of(PAIR)
    names = names_of("a")
    ledger.arrived(arrival(names[0]), 0.0)
    ledger.computed(computed(names[0], "lower50"), 0.0)
    ledger.partial(partial(names[1], "b", "upper50"), 0.1)
    effects = ledger.expire(0.5)
    assert one_of(effects, SendUnheard).notice.keys == (request(names[1]).key,)


def test_two_that_wait_for_each_others_answers_with_different_requests_do_not_wait_for_ever() -> (
    None
):
    ledger = ledger_of(PAIR, in_flight=1)  # so that what they mean may wait behind what we hold
    ledger.arrived(arrival(THEIRS), 0.0)
    ledger.computed(computed(THEIRS, "lower50"), 0.0)  # b is to answer it
    ledger.partial(partial(OURS, "b", "upper50"), 0.1)  # and we this, which we never heard
    long_s = 2 * TIMING.handover_s
    assert all_of(ledger.expire(long_s), SendUnheard) == []
    notice = one_of(ledger.expire(long_s + 0.2), SendUnheard).notice
    assert notice.keys == (request(OURS).key,)


def test_who_has_room_and_gets_nothing_says_soon_what_it_never_heard() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(THEIRS), 0.0)
    ledger.computed(computed(THEIRS, "lower50"), 0.0)
    ledger.partial(partial(OURS, "b", "upper50"), 0.1)
    assert all_of(ledger.expire(0.3), SendUnheard) == []
    assert one_of(ledger.expire(0.4), SendUnheard).notice.keys == (request(OURS).key,)


def test_who_is_waited_for_is_soon_told_what_we_have_in_case_it_waits_for_us() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(OURS), 0.0)
    ledger.computed(computed(OURS, "lower50"), 0.0)
    assert ledger.expire(TIMING.hint_s - 0.01) == []
    hint = one_of(ledger.expire(TIMING.hint_s), SendPartials)
    assert (hint.to, [each.key for each in hint.partials]) == ("b", [request(OURS).key])
    assert ledger.expire(TIMING.hint_s + 0.1) == []  # once is enough
    assert one_of(ledger.expire(5.0), SendReply)


def test_of_a_unique_request_that_another_answered_the_combining_device_lets_go() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(OURS, unique=True), 0.0)
    ledger.computed(computed(OURS, "lower50"), 0.0)
    assert all_of(ledger.done(Done((request(OURS, unique=True).key,)), 0.1), Ack)
    assert len(ledger) == 0


def test_a_device_at_work_is_waited_for_beyond_the_deadline_but_not_for_ever() -> None:
    ledger = ledger_of(PAIR)
    ledger.load("b", 3)
    ledger.arrived(arrival(OURS), 0.0)
    ledger.computed(computed(OURS, "lower50"), 0.0)
    for second in range(1, 10):
        assert ledger.expire(float(second)) == []
    assert one_of(ledger.expire(TIMING.longest_wait_s), SendReply)


def test_slow_models_are_waited_for_longer() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(OURS), 0.0)
    ledger.computed(computed(OURS, "lower50"), 4.0)
    assert ledger.next_deadline() == 12.0


def test_who_let_a_deadline_pass_is_waited_for_briefly_until_it_is_heard_from() -> None:
    ledger = ledger_of(PAIR)
    names = names_of("a")
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
    assert all_of(ledger.expire(3.9), SendReply) == []


def test_a_device_without_a_share_computes_its_own_slot_if_nobody_answers() -> None:
    name = name_where(abc="a", bc="b")
    ledger = ledger_of(TRIO, me="c")
    ledger.arrived(arrival(name, ack_id=5), 0.0)
    compute = one_of(ledger.expire(TIMING.handover_s), Compute)
    assert compute.stages == ("upper50",)
    handed = one_of(ledger.computed(computed(name, "upper50"), 2.5), SendPartials)
    assert handed.to == "a"
    effects = ledger.unheard(Unheard("a", (request(name).key,)), 2.6)
    assert one_of(effects, SendPartials).to == "b"


def test_shares_of_an_answered_request_tell_their_sender_that_it_is_settled() -> None:
    for unique, said in ((True, SendDone(done(OURS, settled=True))), (False, unheard(OURS))):
        ledger = ledger_of(PAIR)
        ledger.arrived(arrival(OURS, unique=unique), 0.0)
        ledger.computed(computed(OURS, "lower50"), 0.0)
        confirm(ledger, ledger.expire(1.0), 1.0)
        ledger.partial(partial(OURS, "b", "upper50"), 1.1)
        assert all_of(ledger.expire(1.3), SendDone) == []
        # Of equal requests nobody can tell whether it was this one.
        assert ledger.expire(1.5) == [said]


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
    assert ledger.arrived(arrival(THEIRS, ack_id=6), 0.3) == []  # the executor has one like it
    assert one_of(ledger.computed(computed(THEIRS, "lower50"), 0.4), SendPartials)


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
    one = request("1", unique=True)
    assert not ledger.knows(one)
    ledger.arrived(arrival("1", route=SHARED, unique=True), 0.0)
    assert not ledger.knows(one)
    ledger.arrived(arrival("1", unique=True), 0.0)
    assert ledger.knows(one)
    confirm(ledger, ledger.computed(computed("1", "lower50"), 0.1))
    assert ledger.knows(one)
    ledger.expire(100.0)
    assert not ledger.knows(one)


def test_of_requests_that_may_have_equals_none_is_known() -> None:
    ledger = ledger_of(ALONE)
    ledger.arrived(arrival("1"), 0.0)
    assert not ledger.knows(request("1"))


def test_what_was_answered_alone_is_not_known_to_have_reached_everyone() -> None:
    ledger = ledger_of(ALONE)
    ledger.arrived(arrival("1", route=SHARED, unique=True), 0.0)
    confirm(ledger, ledger.computed(computed("1", "lower50"), 0.1))
    assert not ledger.knows(request("1", unique=True))


def test_what_was_answered_at_another_broker_is_not_known_at_this_one() -> None:
    ledger = ledger_of(ALONE)
    ledger.arrived(arrival("1", unique=True), 0.0)
    confirm(ledger, ledger.computed(computed("1", "lower50"), 0.1))
    ledger.arrived(arrival("2", unique=True), 0.2)
    ledger.broker_changed()
    assert len(ledger) == 0
    assert not ledger.knows(request("1", unique=True))
    # Asked again there, it is answered again: the first answer may have been lost.
    assert all_of(ledger.arrived(arrival("1", unique=True), 0.3), Compute)


def test_a_slot_that_moves_to_us_while_a_request_waits_for_it_is_computed_by_us() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(OURS), 0.0)
    ledger.computed(computed(OURS, "lower50"), 0.0)
    moved = team("a", {"lower": ["a"], "upper": ["a"]}, members=["b"])
    assert one_of(ledger.team_changed(moved, 0.1), Compute).stages == ("upper50",)
    (reply,) = one_of(ledger.computed(computed(OURS, "upper50"), 0.2), SendReply).replies
    assert as_result(reply).subnetwork == "100"


def test_a_slot_that_moves_while_its_share_is_computed_is_not_lost_with_the_move() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(OURS), 0.0)
    swapped = team("a", {"lower": ["b"], "upper": ["a"]})
    assert ledger.team_changed(swapped, 0.1) == []  # the executor has it
    effects = ledger.computed(computed(OURS, "lower50"), 0.2)
    assert one_of(effects, Compute).stages == ("upper50",)
    (reply,) = one_of(ledger.computed(computed(OURS, "upper50"), 0.3), SendReply).replies
    assert as_result(reply).subnetwork == "100"
