from dataclasses import replace

import numpy as np
import pytest

from edge_agent.core.memory import Memory
from tests.unit.edge_agent.making import feature, partial, request

KEY, OTHER = request("1").key, request("2").key


def test_early_partials_are_taken_once_in_their_order() -> None:
    memory = Memory(keep_s=10.0)
    first, second = partial("1", "b", "upper50"), partial("1", "c", "lower50")
    memory.keep_early_partial(first, 0.0)
    memory.keep_early_partial(partial("2", "b", "upper50"), 0.0)
    memory.keep_early_partial(second, 0.1)
    assert memory.take_early_partials(KEY) == [first, second]
    assert memory.take_early_partials(KEY) == []


def test_early_maps_are_kept_with_the_shares_of_their_request_and_count_as_much() -> None:
    memory = Memory(keep_s=10.0)
    first, second = feature("1", "b", 0), partial("1", "b", "upper50")
    memory.keep_early_partial(first, 0.0)
    memory.keep_early_partial(feature("1", "c", 0), 0.1)  # the same map once more
    memory.keep_early_partial(second, 0.2)
    assert memory.take_early_partials(KEY) == [first, second]


def test_maps_are_kept_in_as_many_bytes_as_a_device_can_spare() -> None:
    memory = Memory(keep_s=10.0)
    large = np.zeros((1, 1024 * 1024), np.int8)
    for number in range(40):
        memory.keep_early_partial(replace(feature(str(number), "b"), values=large), 0.0)
    kept = [memory.take_early_partials(request(str(number)).key) for number in range(40)]
    assert [bool(each) for each in kept] == [False] * 8 + [True] * 32


def test_an_early_done_notice_stands_for_one_request() -> None:
    memory = Memory(keep_s=10.0)
    memory.keep_early_done(KEY, 0.0)
    assert not memory.take_early_done(OTHER, 1.0, unique=True)
    assert memory.take_early_done(KEY, 1.0, unique=True)
    assert not memory.take_early_done(KEY, 1.0, unique=True)


def test_two_early_notices_of_one_request_do_not_swallow_two_requests() -> None:
    memory = Memory(keep_s=10.0)
    memory.keep_early_done(KEY, 0.0)
    memory.keep_early_done(KEY, 0.1)
    assert memory.take_early_done(KEY, 1.0, unique=True)
    assert not memory.take_early_done(KEY, 1.0, unique=True)


def test_an_early_notice_is_kept_for_its_time_from_the_first_on() -> None:
    memory = Memory(keep_s=10.0)
    memory.keep_early_done(KEY, 0.0)
    memory.keep_early_done(KEY, 9.0)
    memory.expire(10.1)
    assert not memory.take_early_done(KEY, 10.1, unique=True)


def test_early_notices_can_be_forgotten() -> None:
    memory = Memory(keep_s=10.0)
    memory.keep_early_done(KEY, 0.0)
    memory.forget_early_done(0.0)
    assert not memory.take_early_done(KEY, 0.0, unique=True)


@pytest.mark.parametrize(
    ("said_at", "may_recur", "taken"),
    [
        (14.9, False, True),
        (14.9, True, False),
        (15.1, True, True),
    ],
)
def test_just_after_joining_a_notice_proves_nothing_of_requests_without_ids(
    said_at: float, *, may_recur: bool, taken: bool
) -> None:
    memory = Memory(keep_s=10.0)
    memory.forget_early_done(10.0)
    memory.keep_early_done(KEY, said_at)
    assert memory.take_early_done(KEY, 16.0, unique=False, may_recur=may_recur) is taken


def test_a_request_taken_for_answered_counts_as_answered() -> None:
    memory = Memory(keep_s=10.0)
    assert not memory.was_answered_together(KEY)
    memory.keep_early_done(KEY, 0.0)
    memory.take_early_done(KEY, 0.0, unique=True)
    assert memory.was_answered_together(KEY)


def test_partials_of_answered_requests_are_named_once_they_are_stale() -> None:
    memory = Memory(keep_s=10.0)
    memory.answered_together(KEY, 0.0, unique=True)
    memory.keep_early_partial(partial("1", "b", "upper50"), 1.0)
    memory.keep_early_partial(partial("2", "b", "upper50"), 1.0)
    assert memory.take_settled(1.2, after_s=0.3) == ()
    assert memory.take_settled(1.3, after_s=0.3) == (KEY,)
    assert memory.take_settled(9.0, after_s=0.3) == ()
    assert memory.take_unheard(9.0, after_s=0.3, senders=("c",)) == {}
    assert memory.take_unheard(9.0, after_s=0.3, senders=("b",)) == {OTHER: "b"}
    assert memory.take_early_partials(OTHER) == []


def test_everything_is_forgotten_after_its_time() -> None:
    memory = Memory(keep_s=10.0)
    memory.answered_together(KEY, 0.0, unique=True)
    memory.keep_early_done(OTHER, 0.0)
    memory.keep_early_partial(partial("2", "b", "upper50"), 0.0)
    memory.expire(10.0)
    assert memory.was_answered_together(KEY)
    memory.expire(10.1)
    assert not memory.was_answered_together(KEY)
    assert not memory.take_early_done(OTHER, 10.1, unique=True)
    assert memory.take_early_partials(OTHER) == []


def test_being_answered_again_is_remembered_from_then_on() -> None:
    memory = Memory(keep_s=10.0)
    memory.answered_together(KEY, 0.0, unique=True)
    memory.answered_together(OTHER, 5.0, unique=True)
    memory.answered_together(KEY, 6.0, unique=True)
    memory.expire(15.5)
    assert memory.was_answered_together(KEY)
    assert not memory.was_answered_together(OTHER)


def test_the_number_of_entries_is_bounded_oldest_out_first() -> None:
    memory = Memory(keep_s=1e9)
    keys = [index.to_bytes(16, "big") for index in range(20_001)]
    for key in keys:
        memory.answered_together(key, 0.0, unique=True)
        memory.keep_early_done(key, 0.0)
    assert not memory.was_answered_together(keys[0])
    assert memory.was_answered_together(keys[1])
    assert not memory.take_early_done(keys[0], 0.0, unique=True)
    assert memory.take_early_done(keys[1], 0.0, unique=True)
