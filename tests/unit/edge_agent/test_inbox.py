import queue
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from edge_agent.inbox import Inbox
from tests.processes import wait_until

TIMEOUT_S = 30.0  # only to end a failing test


def put_all(inbox: Inbox[int], count: int, done: "queue.SimpleQueue[int]") -> threading.Thread:
    """A thread that puts numbers patiently, and says after each that it is in."""

    def work() -> None:
        for number in range(count):
            inbox.put_patiently(number)
            done.put(number)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_a_link_waits_while_too_much_is_here_and_nothing_is_lost() -> None:
    inbox = Inbox[int](most=3)
    done: queue.SimpleQueue[int] = queue.SimpleQueue()
    thread = put_all(inbox, 10, done)
    wait_until(lambda: done.qsize() == 3)
    taken: list[int] = []
    while len(taken) < 10:
        taken += inbox.take(timeout_s=TIMEOUT_S, most=1)
        assert done.qsize() <= len(taken) + 3
    thread.join(TIMEOUT_S)
    assert taken == list(range(10))


def test_whoever_else_brings_something_never_waits() -> None:
    inbox = Inbox[int](most=1)
    inbox.put_patiently(0)
    for number in range(1, 100):
        inbox.put(number)
    assert inbox.take(timeout_s=0.0, most=200) == list(range(100))


def test_the_reader_never_waits_for_itself() -> None:
    """On a bus without threads, what it does on one link is heard on another at once."""
    inbox = Inbox[int](most=1)
    assert inbox.take(timeout_s=0.0) == []
    for number in range(10):
        inbox.put_patiently(number)
    assert inbox.take(timeout_s=0.0) == list(range(10))


def test_what_is_here_is_taken_together_up_to_a_bound() -> None:
    inbox = Inbox[int]()
    for number in range(10):
        inbox.put(number)
    assert inbox.take(timeout_s=0.0, most=4) == [0, 1, 2, 3]
    assert inbox.take(timeout_s=0.0) == [4, 5, 6, 7, 8, 9]
    assert inbox.take(timeout_s=0.0) == []


def test_what_cannot_wait_goes_first_and_each_kind_keeps_its_order() -> None:
    inbox = Inbox[int](can_wait=lambda number: number % 2 == 1)
    for number in range(6):
        inbox.put_patiently(number)
    assert inbox.take(timeout_s=0.0, most=4) == [0, 2, 4, 1]
    inbox.put(6)
    inbox.put(7)
    assert inbox.take(timeout_s=0.0) == [6, 3, 5, 7]


def test_what_waits_behind_the_pressing_takes_room_until_it_is_taken() -> None:
    inbox = Inbox[int](most=2, can_wait=lambda number: number > 0)
    done: queue.SimpleQueue[int] = queue.SimpleQueue()
    thread = put_all(inbox, 5, done)
    wait_until(lambda: done.qsize() == 3)
    assert inbox.take(timeout_s=0.0, most=1) == [0]
    thread.join(0.05)
    assert done.qsize() == 3
    assert inbox.take(timeout_s=0.0, most=1) == [1]
    wait_until(lambda: done.qsize() == 4)
    taken = inbox.take(timeout_s=TIMEOUT_S, most=2)
    thread.join(TIMEOUT_S)
    assert taken + inbox.take(timeout_s=0.0) == [2, 3, 4]


def test_what_cannot_wait_has_room_however_much_waits() -> None:
    """Else the broker's word on an attempt note is behind all requests, which wait for it."""
    inbox = Inbox[int](most=2, can_wait=lambda number: number > 0)
    inbox.put_patiently(1)
    inbox.put_patiently(2)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(inbox.put_patiently, 0).result(TIMEOUT_S)
    assert inbox.take(timeout_s=0.0) == [0, 1, 2]


def test_what_can_wait_is_left_where_only_the_pressing_is_wanted() -> None:
    inbox = Inbox[int](can_wait=lambda number: number > 0)
    for number in (1, 0, 2):
        inbox.put(number)
    assert inbox.take(timeout_s=0.0, only_pressing=True) == [0]
    assert inbox.take(timeout_s=0.0, only_pressing=True) == []
    assert inbox.has_left
    assert inbox.take(timeout_s=0.0) == [1, 2]


def test_the_pressing_is_waited_for_beside_what_can_wait() -> None:
    inbox = Inbox[int](can_wait=lambda number: number > 0)
    inbox.put(1)
    with ThreadPoolExecutor(1) as pool:
        taken = pool.submit(inbox.take, timeout_s=TIMEOUT_S, only_pressing=True)
        inbox.put(2)
        inbox.put(0)
        assert taken.result(TIMEOUT_S) == [0]
    assert inbox.take(timeout_s=0.0) == [1, 2]


def test_one_item_is_taken_at_once() -> None:
    inbox = Inbox[int]()
    with ThreadPoolExecutor(1) as pool:
        taken = pool.submit(inbox.take, timeout_s=TIMEOUT_S)
        inbox.put(1)
        assert taken.result(TIMEOUT_S) == [1]


@pytest.mark.parametrize("can_wait", [False, True])
@pytest.mark.parametrize("waiting", [1, 3])
def test_closing_lets_go_of_all_that_wait(waiting: int, *, can_wait: bool) -> None:
    inbox = Inbox[int](most=1, can_wait=lambda _number: can_wait)
    inbox.put_patiently(0)
    threads = [
        threading.Thread(target=inbox.put_patiently, args=(1,), daemon=True) for _ in range(waiting)
    ]
    for thread in threads:
        thread.start()
    inbox.close()
    for thread in threads:
        thread.join(TIMEOUT_S)
        assert not thread.is_alive()


def test_it_says_whether_anything_is_left() -> None:
    inbox = Inbox[int]()
    for number in range(3):
        inbox.put(number)
    assert inbox.take(timeout_s=TIMEOUT_S, most=2) == [0, 1]
    assert inbox.has_left
    assert inbox.take(timeout_s=TIMEOUT_S, most=2) == [2]
    assert not inbox.has_left
