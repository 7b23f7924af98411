import math

import pytest

from fluid.bench.pacing import ClosedLoop, OpenLoop


def test_a_closed_loop_fills_its_window_and_then_what_answers_leave() -> None:
    loop = ClosedLoop(4, span_s=10.0)
    assert loop.due(0.0, under_way=0) == (0.0,) * 4
    assert loop.due(0.1, under_way=4) == ()
    assert loop.due(0.2, under_way=1) == (0.2,) * 3
    assert loop.next_due_s() == math.inf  # only an answer makes room


def test_a_closed_loop_ends_with_its_time() -> None:
    loop = ClosedLoop(4, span_s=1.0)
    assert not loop.is_over(0.99)
    assert loop.is_over(1.0)
    assert loop.due(1.0, under_way=0) == ()


def test_a_closed_loop_ends_with_its_count() -> None:
    loop = ClosedLoop(4, span_s=math.inf, count=5)
    assert len(loop.due(0.0, under_way=0)) == 4
    assert not loop.is_over(0.0)
    assert len(loop.due(0.1, under_way=0)) == 1
    assert loop.is_over(0.1)


def test_an_open_loop_sends_at_even_intervals_whatever_is_under_way() -> None:
    loop = OpenLoop(((1.0, 4.0),))
    assert loop.due(0.0, under_way=1000) == [0.0]
    assert loop.next_due_s() == 0.25
    assert loop.due(0.6, under_way=1000) == [0.25, 0.5]


def test_what_an_open_loop_sends_late_counts_from_when_it_was_due() -> None:
    loop = OpenLoop(((1.0, 2.0),))
    assert loop.due(5.0, under_way=0) == [0.0, 0.5]


def test_an_open_loop_goes_through_its_steps() -> None:
    loop = OpenLoop(((1.0, 2.0), (2.0, 1.0)))
    assert loop.due(10.0, under_way=0) == pytest.approx([0.0, 0.5, 1.0, 2.0])
    assert loop.is_over(10.0)
    assert loop.next_due_s() == math.inf


def test_a_step_without_requests_is_a_pause() -> None:
    loop = OpenLoop(((1.0, 0.0), (1.0, 1.0)))
    assert loop.next_due_s() == 1.0
