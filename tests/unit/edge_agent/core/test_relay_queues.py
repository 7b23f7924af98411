"""Requests that queue up where stages read what other devices yield: equal ones, without ids, and
those that one device alone has."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from edge_agent.core.effects import Ack, Effect, SendUnheard
from edge_agent.core.events import RequestArrived
from fluid.errors import ErrorCode
from fluid.messages import ErrorReply, Result
from tests.unit.edge_agent.core.exchange import Exchange
from tests.unit.edge_agent.core.ledgers import OURS, THEIRS, name_where
from tests.unit.edge_agent.cut import STATIC
from tests.unit.edge_agent.making import arrival

PAIR = {"lower": ["a"], "upper": ["b"]}
ONLY_A = {"lower": ["a"], "upper": []}
TRIO = {"lower": ["a", "b"], "upper": ["c"]}
WINDOW = 8


def asked(name: str = "1", **changes: Any) -> RequestArrived:
    return arrival(name, wants_logits=True, **changes)


class Queue(Exchange):
    """`a` alone has these requests: the next comes as soon as it has acknowledged one."""

    def __init__(self, names: Iterable[str], holders: Mapping[str, list[str]]) -> None:
        super().__init__(STATIC, holders, in_flight=WINDOW)
        self._left = enumerate(names)
        for _ in range(WINDOW):
            self._bring_next()

    def _bring_next(self) -> None:
        ack_id, name = next(self._left, (0, None))
        if name is not None:
            self.do("a", self.ledgers["a"].arrived(asked(name, ack_id=ack_id), self.now))

    def _carry_out(self, name: str, effect: Effect) -> None:
        super()._carry_out(name, effect)
        if name == "a" and isinstance(effect, Ack):
            self._bring_next()

    @property
    def codes(self) -> list[str]:
        return [each.code for _, each in self.replies if isinstance(each, ErrorReply)]


def test_equal_requests_are_answered_as_often_as_they_were_asked() -> None:
    exchange = Exchange(STATIC, PAIR)
    for name, ledger in exchange.ledgers.items():
        exchange.do(name, ledger.arrived(asked(OURS, ack_id=1), 0.0))
        exchange.do(name, ledger.arrived(asked(OURS, ack_id=2), 0.0))
    exchange.settle()
    assert [name for name, _ in exchange.replies] == ["a", "a"]
    assert (exchange.held, exchange.acknowledged) == (0, 4)


def test_equal_requests_that_nobody_can_run_wait_together() -> None:
    exchange = Exchange(STATIC, ONLY_A)
    for number in range(10):
        exchange.arrive(asked(ack_id=number))
    exchange.wait(1.5)
    assert [reply.id for _, reply in exchange.replies] == ["1"] * 10
    assert exchange.held == 0


def test_an_equal_request_that_all_have_is_not_judged_by_those_before_it() -> None:
    exchange = Exchange(STATIC, ONLY_A)
    exchange.arrive(asked(OURS))
    exchange.add("b", {"lower": ["a"], "upper": ["b"]})
    exchange.wait(0.1)
    exchange.arrive(asked(OURS))
    exchange.wait(3.0)
    kinds = [type(reply) for _, reply in exchange.replies]
    assert kinds == [Result, Result]


def test_who_has_an_equal_request_left_hands_its_map_over_for_the_next() -> None:
    """It handed it over for the first, which the other has answered and forgotten."""
    exchange = Exchange(STATIC, PAIR)
    exchange.arrive(asked(OURS, ack_id=1), "b")
    exchange.arrive(asked(OURS, ack_id=2))
    assert len(exchange.replies) == 1
    assert len(exchange.ledgers["b"]) == 1
    exchange.arrive(asked(OURS, ack_id=3), "a")
    assert [type(reply) for _, reply in exchange.replies] == [Result] * 2
    assert exchange.held == 0


def test_the_answer_to_an_equal_request_is_none_to_those_that_its_sender_never_had() -> None:
    exchange = Exchange(STATIC, PAIR)
    exchange.arrive(asked(OURS, ack_id=1), "b")
    exchange.wait(0.8)
    assert [name for name, _ in exchange.of(SendUnheard)] == ["a"]
    exchange.arrive(asked(OURS, ack_id=2), "a")
    assert [name for name, _ in exchange.replies] == ["a"]
    assert len(exchange.ledgers["b"]) == 1
    exchange.arrive(asked(OURS, ack_id=2), "b")
    exchange.wait(8.0)
    assert "b" in [name for name, _ in exchange.replies]
    assert exchange.held == 0


def test_the_answers_of_a_device_that_came_later_are_none_to_the_equal_requests_before_it() -> None:
    """It answers more than we have, as we were away for a moment and it was not."""
    exchange = Exchange(STATIC, {"lower": [], "upper": ["b"]})
    for number in (1, 2):
        exchange.arrive(asked(OURS, ack_id=number))
    exchange.add("a", PAIR)
    exchange.arrive(asked(OURS, ack_id=3))
    for number in (4, 5):
        exchange.arrive(asked(OURS, ack_id=number), "a")
    exchange.wait(20.0)
    assert sorted(name for name, _ in exchange.replies) == ["a"] * 3 + ["b"] * 2
    assert exchange.held == 0


def test_equal_requests_that_several_had_before_they_met_are_answered_by_one_of_them() -> None:
    """Each takes them for its own alone, until whoever came with nothing has said so."""
    holders = {"lower": ["a", "c"], "upper": ["b"]}
    name = name_where(abc="a", bc="c")
    exchange = Exchange(STATIC, holders)
    exchange.place(holders, members=())
    for number in (1, 2):
        exchange.arrive(asked(name, ack_id=number), "b", "c")
    exchange.place(holders)
    exchange.arrive(asked(name, ack_id=3))
    assert [agent for agent, _ in exchange.replies] == ["a"]
    exchange.wait(20.0)
    assert [agent for agent, _ in exchange.replies] == ["a", "c", "c"]
    assert exchange.held == 0


def test_of_equal_requests_those_that_others_had_are_let_go_of_with_their_answer() -> None:
    exchange = Exchange(STATIC, PAIR)
    exchange.arrive(asked(OURS, ack_id=1), "b")
    exchange.wait(0.8)
    exchange.arrive(asked(OURS, ack_id=2), "b", "a")
    assert [name for name, _ in exchange.replies] == ["a"]
    exchange.wait(8.0)
    assert [name for name, _ in exchange.replies] == ["a", "b"]
    assert exchange.held == 0


def test_a_queue_of_equal_requests_that_nobody_else_has_is_worked_off() -> None:
    """The others are asked for the first of them, and not for each that follows."""
    exchange = Queue([OURS] * 50, PAIR)
    exchange.wait(6.0)
    assert exchange.codes == [ErrorCode.NOTHING_RUNNABLE] * 50
    assert exchange.held == 0


def test_one_that_another_has_as_well_answers_all_that_are_held_with_it() -> None:
    exchange = Queue([OURS] * 50, PAIR)
    exchange.wait(0.3)
    exchange.arrive(asked(OURS, ack_id=100), "b")
    exchange.wait(1.0)
    kinds = [type(reply) for _, reply in exchange.replies]
    assert kinds == [Result] * 50
    assert exchange.held == 0


@pytest.mark.parametrize(("holders", "within_s"), [(PAIR, 6.0), (TRIO, 14.0)])
def test_a_queue_of_requests_that_nobody_else_has_is_worked_off(
    holders: Mapping[str, list[str]], within_s: float
) -> None:
    """As soon as others are out of step, they are asked early, and not waited for afterwards."""
    exchange = Queue(map(str, range(64)), holders)  # eight windows
    exchange.wait(within_s)
    assert exchange.codes == [ErrorCode.NOTHING_RUNNABLE] * 64
    assert exchange.held == 0


@pytest.mark.parametrize("name", [OURS, THEIRS])
def test_after_a_queue_all_work_together_again(name: str) -> None:
    exchange = Queue(map(str, range(100, 164)), PAIR)
    exchange.wait(12.0)
    exchange.replies.clear()
    exchange.arrive(asked(name))
    assert [type(reply) for _, reply in exchange.replies] == [Result]
