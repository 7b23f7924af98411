"""Requests on their way through stages that read what other devices yield."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edge_agent.core.edition import Edition
from edge_agent.core.effects import (
    Compute,
    SendDone,
    SendFeatures,
    SendPartials,
    SendReply,
    SendUnheard,
)
from edge_agent.core.events import RequestArrived, Route
from fluid.errors import ErrorCode
from fluid.messages import ErrorReply, Feature, Mode, Result
from tests.unit.edge_agent.core.exchange import Exchange
from tests.unit.edge_agent.core.ledgers import FAULT, OURS, THEIRS, name_where
from tests.unit.edge_agent.cut import DYNAMIC, STATIC, cut_team, whole_logits
from tests.unit.edge_agent.making import (
    OTHER_DIGEST,
    all_of,
    arrival,
    as_result,
    feature,
    one_of,
    request,
)

PAIR = {"lower": ["a"], "upper": ["b"]}
ONLY_A = {"lower": ["a"], "upper": []}
ONLY_B = {"lower": [], "upper": ["b"]}
TRIO = {"lower": ["a", "b"], "upper": ["c"]}
NAMES = [OURS, THEIRS]  # whoever answers


def asked(name: str = "1", **changes: Any) -> RequestArrived:
    return arrival(name, wants_logits=True, **changes)


def only_result(exchange: Exchange) -> Result:
    ((_, reply),) = exchange.replies
    return as_result(reply)


def only_error(exchange: Exchange) -> ErrorReply:
    ((_, reply),) = exchange.replies
    assert isinstance(reply, ErrorReply), reply
    return reply


def features_of(exchange: Exchange) -> list[tuple[str, str, int]]:
    """Who handed whom the map of which stage."""
    return [
        (name, sent.to, each.stage)
        for name, sent in exchange.of(SendFeatures)
        if isinstance(sent, SendFeatures)
        for each in sent.features
    ]


def jobs_of(exchange: Exchange, name: str) -> list[tuple[str, ...]]:
    return [
        job.stages
        for each, job in exchange.of(Compute)
        if each == name and isinstance(job, Compute)
    ]


# All is well.


@pytest.mark.parametrize("name", NAMES)
def test_two_devices_give_the_bits_of_one_that_runs_all_stages(name: str) -> None:
    exchange = Exchange(STATIC, PAIR)
    exchange.arrive(asked(name))
    result = only_result(exchange)
    assert (result.subnetwork, result.devices, result.mode) == ("100", ("a", "b"), Mode.HA)
    assert not result.degraded
    expected = whole_logits(STATIC, Compute(request(name), ()), "logits.lower", "logits.upper")
    assert result.logits is not None
    assert np.array(result.logits, np.float32).tobytes() == expected.tobytes()
    assert (exchange.held, exchange.acknowledged) == (0, 2)


def test_each_device_computes_its_own_stages_once_and_hands_its_maps_over_once() -> None:
    exchange = Exchange(STATIC, PAIR)
    exchange.arrive(asked(OURS))
    assert jobs_of(exchange, "a") == [("conv.lower",), ("logits.lower",)]
    assert jobs_of(exchange, "b") == [("conv.upper",), ("logits.upper",)]
    assert features_of(exchange) == [("a", "b", 0), ("b", "a", 1)]
    assert [name for name, _ in exchange.of(SendPartials)] == ["b"]
    assert [name for name, _ in exchange.of(SendReply)] == ["a"]


def test_where_nobody_is_read_nobody_is_waited_for() -> None:
    exchange = Exchange(DYNAMIC, PAIR)
    exchange.arrive(asked(THEIRS))
    assert only_result(exchange).subnetwork == "100"
    assert jobs_of(exchange, "a") == [("conv.lower", "logits.lower")]
    assert features_of(exchange) == [("a", "b", 2)]


def test_one_device_with_all_slots_asks_nobody() -> None:
    exchange = Exchange(STATIC, {"lower": ["a"], "upper": ["a"]})
    exchange.arrive(asked())
    assert only_result(exchange).devices == ("a",)
    assert len(jobs_of(exchange, "a")) == 1
    assert features_of(exchange) == []


@pytest.mark.parametrize("name", [str(number) for number in range(6)])
def test_devices_of_one_slot_share_the_requests(name: str) -> None:
    exchange = Exchange(STATIC, TRIO)
    exchange.arrive(asked(name))
    assert only_result(exchange).subnetwork == "100"
    workers = {each for each in "abc" for job in jobs_of(exchange, each) if job}
    assert len(workers) == 2
    assert "c" in workers
    assert (exchange.held, exchange.acknowledged) == (0, 3)


def test_many_requests_are_on_their_way_at_once() -> None:
    exchange = Exchange(STATIC, PAIR)
    for number in range(20):
        effects = exchange.ledgers["a"].arrived(asked(str(number)), 0.0)
        (job,) = all_of(effects, Compute)
        assert job.stages == ("conv.lower",)
    assert len(exchange.ledgers["a"]) == 20


def test_a_batch_is_answered_as_a_list() -> None:
    exchange = Exchange(STATIC, PAIR)
    exchange.images = 3
    exchange.arrive(asked())
    assert len(exchange.replies) == 3
    ((_, reply),) = exchange.of(SendReply)
    assert isinstance(reply, SendReply)
    assert reply.as_list


def test_what_is_no_image_is_refused_by_one() -> None:
    exchange = Exchange(STATIC, PAIR)
    exchange.arrive(arrival("1", fault=FAULT))
    assert only_error(exchange).code == FAULT.code


def test_the_time_of_all_stages_of_a_device_counts() -> None:
    exchange = Exchange(STATIC, PAIR)
    exchange.arrive(asked())
    assert only_result(exchange).compute_ms == 4.0  # two jobs of 2 ms


# Messages ahead of the request, late or lost.


def test_maps_may_be_ahead_of_their_request() -> None:
    exchange = Exchange(STATIC, PAIR)
    exchange.arrive(asked(), "a")
    exchange.wait(0.2)
    assert exchange.replies == []
    exchange.arrive(asked(), "b")
    assert only_result(exchange).subnetwork == "100"


def test_a_map_that_was_lost_is_handed_over_again() -> None:
    exchange = Exchange(STATIC, PAIR)
    exchange.silent = {"a"}
    exchange.arrive(asked(OURS), "a")
    exchange.heal()
    exchange.arrive(asked(OURS), "b")
    assert exchange.replies == []
    exchange.wait(1.1)
    assert only_result(exchange).subnetwork == "100"


def test_the_maps_are_handed_over_again_on_a_new_link() -> None:
    exchange = Exchange(STATIC, PAIR)
    exchange.lost = SendFeatures
    exchange.arrive(asked())
    exchange.heal()
    for name, ledger in exchange.ledgers.items():
        exchange.do(name, ledger.control_opened(exchange.now))
    exchange.settle()
    assert only_result(exchange).subnetwork == "100"


def test_a_map_of_another_bundle_or_stage_or_number_of_images_is_of_no_use() -> None:
    exchange = Exchange(STATIC, PAIR)
    exchange.arrive(asked(), "a")
    before = len(exchange.said)
    good = feature("1", "b", 1)
    for bad in (
        replace(good, bundle=OTHER_DIGEST),
        replace(good, stage=2),
        replace(good, stage=99),
        replace(good, values=np.zeros((2, 4), np.int8)),
    ):
        exchange.do("a", exchange.ledgers["a"].feature(bad, 0.0))
    exchange.settle()
    assert len(exchange.said) == before
    exchange.do("a", exchange.ledgers["a"].feature(good, 0.0))
    assert len(exchange.said) > before


def test_who_was_given_up_and_has_the_request_after_all_is_handed_what_it_waits_for() -> None:
    """`c` has given up `a` and counts on `b`, which has nothing to say."""
    exchange = Exchange(STATIC, TRIO)
    name = name_where(ab="a", abc="a", bc="c")
    exchange.silent = {"a", "b", "c"}
    exchange.arrive(asked(name), "c")
    exchange.wait(2.0)
    exchange.heal()
    exchange.lost = SendUnheard
    exchange.arrive(asked(name), "a")
    exchange.wait(4.0)
    assert only_result(exchange).devices == ("a", "c")


def test_two_that_hand_each_other_what_they_have_do_not_go_on_for_ever() -> None:
    exchange = Exchange(STATIC, PAIR)
    exchange.lost = SendPartials
    exchange.arrive(asked(OURS))
    before = len(features_of(exchange))
    for _ in range(5):
        exchange.do("b", exchange.ledgers["b"].feature(feature("1", "a", 0), exchange.now))
        exchange.settle()
    assert len(features_of(exchange)) <= before + 2


def test_a_map_shows_that_its_sender_has_the_request() -> None:
    exchange = Exchange(STATIC, PAIR)
    # `a` does not know yet that `b` hears requests to everyone.
    exchange.place(PAIR, members=[])
    exchange.arrive(asked(), "a")
    assert jobs_of(exchange, "a") == []
    exchange.place(PAIR)
    exchange.arrive(asked(), "b")
    exchange.wait(0.5)
    assert only_result(exchange).subnetwork == "100"


# Devices that go, hang, or never had the request.


@pytest.mark.parametrize("name", NAMES)
def test_without_a_device_that_all_need_the_answer_is_an_error_that_names_its_slot(
    name: str,
) -> None:
    exchange = Exchange(STATIC, PAIR)
    exchange.arrive(asked(name), "a")
    exchange.place(ONLY_A)
    exchange.wait(0.5)
    assert exchange.replies == []  # a device may be about to be placed anew
    exchange.wait(1.0)
    error = only_error(exchange)
    assert error.code == ErrorCode.NOTHING_RUNNABLE
    assert "holds the slot upper, without which no sub-network of family static" in error.message
    assert (exchange.held, exchange.acknowledged) == (0, 1)


def test_it_goes_on_with_what_came_after_the_device_is_back() -> None:
    exchange = Exchange(STATIC, ONLY_A)
    exchange.arrive(asked("1"))
    exchange.wait(1.5)
    assert only_error(exchange).code == ErrorCode.NOTHING_RUNNABLE
    again = Exchange(STATIC, PAIR)
    again.arrive(asked("2"))
    assert only_result(again).subnetwork == "100"


def test_who_returns_at_once_and_has_the_request_still_takes_part() -> None:
    exchange = Exchange(STATIC, PAIR)
    exchange.silent = {"a"}
    exchange.arrive(asked(OURS))
    exchange.heal()
    ledger = exchange.ledgers["b"]
    exchange.place(ONLY_A)
    exchange.wait(0.5)
    exchange.ledgers["b"] = ledger
    exchange.place(PAIR)
    assert only_result(exchange).subnetwork == "100"


@pytest.mark.parametrize("name", NAMES)
def test_a_dynamic_network_goes_on_with_the_half_that_reads_nobody(name: str) -> None:
    exchange = Exchange(DYNAMIC, PAIR)
    exchange.silent = {"a", "b"}
    exchange.arrive(asked(name))
    exchange.heal()
    exchange.place(ONLY_A)
    result = only_result(exchange)
    assert (result.subnetwork, result.devices, result.degraded) == ("lower50", ("a",), False)
    expected = whole_logits(DYNAMIC, Compute(request(name), ()), "lower50")
    assert np.array(result.logits, np.float32).tobytes() == expected.tobytes()
    assert exchange.held == 0


def test_the_half_that_reads_the_other_cannot_go_on() -> None:
    exchange = Exchange(DYNAMIC, PAIR)
    exchange.silent = {"a", "b"}
    exchange.arrive(asked())
    exchange.place(ONLY_B)
    exchange.wait(1.5)
    error = only_error(exchange)
    assert error.code == ErrorCode.NOTHING_RUNNABLE
    assert "the slot lower" in error.message


def test_half_of_a_cut_network_is_never_taken_for_an_answer() -> None:
    """The logits of one slot are there, those of the other never come."""
    exchange = Exchange(STATIC, PAIR)
    exchange.lost = SendPartials
    exchange.arrive(asked(OURS))
    exchange.wait(30.0)
    assert [reply.code for _, reply in exchange.replies if isinstance(reply, ErrorReply)]
    assert not [reply for _, reply in exchange.replies if isinstance(reply, Result)]
    assert len(exchange.ledgers["a"]) == 0


def test_a_device_that_hangs_is_waited_for_and_then_done_without() -> None:
    exchange = Exchange(DYNAMIC, PAIR)
    exchange.silent = {"b"}
    exchange.arrive(asked(OURS), "a")
    exchange.wait(0.5)
    assert exchange.replies == []
    exchange.wait(1.0)
    result = only_result(exchange)
    assert (result.subnetwork, result.degraded) == ("lower50", True)


def test_a_device_that_nothing_goes_without_is_waited_for_longer() -> None:
    exchange = Exchange(STATIC, PAIR)
    exchange.lost = SendUnheard
    exchange.arrive(asked(OURS), "a")
    exchange.wait(5.0)
    assert exchange.replies == []
    exchange.wait(8.0)
    error = only_error(exchange)
    assert error.code == ErrorCode.NOTHING_RUNNABLE
    assert "not all of the devices that are needed" in error.message


def test_a_device_that_never_got_a_request_says_so_and_is_not_waited_for() -> None:
    exchange = Exchange(STATIC, PAIR)
    exchange.arrive(asked(OURS), "a")
    exchange.wait(2.0)
    assert [name for name, _ in exchange.of(SendUnheard)] == ["b"]
    assert only_error(exchange).code == ErrorCode.NOTHING_RUNNABLE
    assert exchange.held == 0


def test_who_leaves_a_request_to_one_that_never_had_it_computes_it_for_whoever_answers() -> None:
    """One found out that the third never had it, before the request came to the other."""
    exchange = Exchange(STATIC, TRIO)
    name = name_where(abc="c", ab="a", bc="c")
    exchange.arrive(asked(name), "c")
    while not exchange.of(SendUnheard):
        exchange.wait(0.1)
    assert [agent for agent, _ in exchange.of(SendUnheard)] == ["a"]
    exchange.arrive(asked(name), "b")
    exchange.wait(6.0)
    assert only_result(exchange).devices == ("b", "c")
    assert exchange.held == 0


def test_requests_from_before_a_device_came_are_not_waited_for_under_load() -> None:
    """It is handed maps of what it has, in turn: what it was handed before never reached it."""
    exchange = Exchange(STATIC, PAIR)
    exchange.arrive(asked("before"), "a")
    for number in range(20):
        exchange.wait(0.1)
        exchange.arrive(asked(f"after {number}"))
    errors = [reply.id for _, reply in exchange.replies if isinstance(reply, ErrorReply)]
    assert errors == ["before"]
    assert exchange.now < 2.5


@pytest.mark.parametrize("name", NAMES)
def test_two_whose_windows_are_full_of_requests_that_the_other_never_had_let_go(name: str) -> None:
    exchange = Exchange(STATIC, PAIR, in_flight=1)
    exchange.arrive(asked(f"a{name}"), "a")
    exchange.arrive(asked(f"b{name}"), "b")
    exchange.wait(2.0)
    assert {reply.code for _, reply in exchange.replies if isinstance(reply, ErrorReply)} == {
        ErrorCode.NOTHING_RUNNABLE
    }
    assert exchange.held == 0


def test_who_reads_of_one_that_reads_nothing_finds_out_that_it_never_had_the_request() -> None:
    exchange = Exchange(DYNAMIC, PAIR)
    exchange.arrive(asked(), "b")
    exchange.wait(3.0)
    assert only_error(exchange).code == ErrorCode.NOTHING_RUNNABLE


@pytest.mark.parametrize("name", [str(number) for number in range(6)])
def test_whoever_missed_that_a_request_was_answered_is_told(name: str) -> None:
    exchange = Exchange(STATIC, TRIO)
    exchange.lost = SendDone
    exchange.arrive(asked(name, unique=True))
    assert only_result(exchange).subnetwork == "100"
    assert exchange.held == 2
    exchange.heal()
    exchange.wait(6.0)
    assert exchange.held == 0
    assert len(exchange.replies) == 1


def test_who_has_no_part_in_the_answer_leaves_the_error_to_the_others() -> None:
    exchange = Exchange(STATIC, TRIO)
    exchange.lost = SendFeatures
    exchange.arrive(asked())
    exchange.heal()
    exchange.place({"lower": ["a", "b"], "upper": []})
    exchange.wait(1.5)
    assert only_error(exchange).code == ErrorCode.NOTHING_RUNNABLE
    assert exchange.held == 0


# What requesters ask for.


def test_less_than_the_minimum_is_an_error_in_the_end() -> None:
    exchange = Exchange(DYNAMIC, ONLY_A)
    exchange.arrive(asked(minimum="100"))
    exchange.wait(3.0)
    error = only_error(exchange)
    assert error.code == ErrorCode.SUBNETWORK_UNAVAILABLE
    assert "'lower50' at most" in error.message


def test_a_minimum_that_the_whole_meets_is_met() -> None:
    exchange = Exchange(DYNAMIC, PAIR)
    exchange.arrive(asked(minimum="100"))
    assert only_result(exchange).subnetwork == "100"


def test_at_a_requesters_deadline_the_logits_of_a_half_are_no_answer() -> None:
    exchange = Exchange(STATIC, PAIR)
    exchange.lost = SendPartials
    exchange.arrive(asked(OURS, deadline_s=0.1))
    exchange.wait(0.2)
    error = next(reply for _, reply in exchange.replies)
    assert isinstance(error, ErrorReply)
    assert error.code == ErrorCode.DEADLINE_MISSED
    assert "none was there" in error.message


# Each for itself.


def test_in_ht_the_half_that_reads_nobody_answers_alone() -> None:
    exchange = Exchange(DYNAMIC, PAIR)
    exchange.arrive(asked(route=Route.SHARED), "a")
    result = only_result(exchange)
    assert (result.subnetwork, result.mode) == ("lower50", Mode.HT)
    assert features_of(exchange) == []


def test_in_ht_who_cannot_answer_alone_says_so() -> None:
    exchange = Exchange(STATIC, PAIR)
    exchange.arrive(asked(route=Route.SHARED), "a")
    exchange.wait(1.5)
    error = only_error(exchange)
    assert error.code == ErrorCode.NOTHING_RUNNABLE


def test_a_suspect_runs_each_of_its_steps_under_a_note() -> None:
    exchange = Exchange(STATIC, PAIR)
    for ledger in exchange.ledgers.values():
        ledger.control_opened(0.0)
    effects = exchange.ledgers["a"].arrived(asked(handovers=1), 0.0)
    assert all_of(effects, Compute) == []
    effects = exchange.ledgers["a"].attempt_confirmed(1, accepted=True)
    (job,) = all_of(effects, Compute)
    assert job.stages == ("conv.lower",)


def test_the_maps_of_a_suspect_prove_nothing_about_its_turn() -> None:
    exchange = Exchange(STATIC, PAIR)
    exchange.arrive(asked("1"), "a")
    (features,) = (each for _, each in exchange.of(SendFeatures))
    assert isinstance(features, SendFeatures)
    first: Feature = features.features[0]
    assert first.in_turn
    exchange.silent = {"b"}
    exchange.wait(1.1)
    (again,) = (each for _, each in exchange.of(SendFeatures)[1:])
    assert isinstance(again, SendFeatures)
    assert not again.features[0].in_turn


def test_a_new_bundle_begins_with_the_first_layer() -> None:
    exchange = Exchange(STATIC, PAIR)
    exchange.silent = {"a", "b"}
    exchange.arrive(asked(OURS))
    retrained = Edition(STATIC, OTHER_DIGEST)
    effects = exchange.ledgers["a"].serve(retrained, cut_team("a", STATIC, PAIR), 0.0)
    assert one_of(effects, Compute).stages == ("conv.lower",)
