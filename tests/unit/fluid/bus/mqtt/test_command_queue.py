import select
import threading
from collections.abc import Iterator

import pytest

from fluid.bus.mqtt.command_queue import Command, CommandQueue
from fluid.bus.mqtt.packets import StreamClient

MOST_BYTES = 100


@pytest.fixture
def queue() -> Iterator[CommandQueue]:
    made = CommandQueue(MOST_BYTES)
    yield made
    made.end()


def command() -> Command:
    """One that is told from the others."""

    def nothing(_client: StreamClient) -> None: ...

    return nothing


def rings(queue: CommandQueue) -> bool:
    return bool(select.select([queue.bell], [], [], 0)[0])


def test_commands_come_out_in_the_order_in_which_they_were_posted(queue: CommandQueue) -> None:
    posted = [command() for _ in range(3)]
    for each in posted:
        queue.post(each)
    assert queue.take() == posted
    assert queue.take() == []


def test_the_bell_rings_from_the_first_command_until_it_is_silenced(queue: CommandQueue) -> None:
    assert not rings(queue)
    queue.post(command())
    queue.post(command())
    assert rings(queue)
    queue.silence_bell()
    assert not rings(queue)


def test_of_very_many_commands_some_are_left_and_the_bell_rings_for_them(
    queue: CommandQueue,
) -> None:
    posted = [command() for _ in range(150)]
    for each in posted:
        queue.post(each)
    queue.silence_bell()
    first = queue.take()
    assert 0 < len(first) < len(posted)
    assert rings(queue)
    queue.silence_bell()
    assert first + queue.take() == posted
    assert not rings(queue)


def test_nothing_comes_after_the_last_command(queue: CommandQueue) -> None:
    last = command()
    queue.post(last, last=True)
    assert queue.closing
    queue.post(command())
    assert queue.take() == [last]


def test_too_much_that_waits_is_an_overrun_which_the_bell_tells(queue: CommandQueue) -> None:
    waits = command()
    queue.post(waits, size_bytes=MOST_BYTES)
    queue.silence_bell()
    queue.post(command(), size_bytes=1)
    assert "is too slow" in queue.overrun()
    assert rings(queue)
    assert queue.take() == [waits]


def test_what_was_taken_makes_room(queue: CommandQueue) -> None:
    for _ in range(3):
        queue.post(command(), size_bytes=MOST_BYTES)
        assert len(queue.take()) == 1
    assert queue.overrun() == ""


def test_what_stays_makes_room_when_it_has_left_the_backlog(queue: CommandQueue) -> None:
    queue.post(command(), size_bytes=MOST_BYTES // 2, stays=True)
    queue.post(command(), size_bytes=MOST_BYTES // 2, stays=True)
    queue.take()
    queue.leave_backlog(MOST_BYTES, calls=2)
    queue.post(command(), size_bytes=MOST_BYTES, stays=True)
    queue.take()
    assert queue.overrun() == ""
    queue.post(command())
    assert "is too slow" in queue.overrun()


def test_what_may_be_dropped_is_dropped_first_and_counted(queue: CommandQueue) -> None:
    queue.post(command(), size_bytes=MOST_BYTES // 2)
    queue.post(command(), size_bytes=1, may_be_dropped=True)
    queue.post(command(), size_bytes=1)
    assert queue.dropped == 1
    assert queue.overrun() == ""
    assert len(queue.take()) == 2


def test_what_is_posted_together_comes_at_once_and_in_its_order(queue: CommandQueue) -> None:
    posted = [command() for _ in range(4)]
    queue.post(posted[0])
    queue.silence_bell()
    assert queue.take() == posted[:1]
    with queue.together():
        for each in posted[1:]:
            queue.post(each)
        assert not rings(queue)
    assert rings(queue)
    assert queue.take() == posted[1:]


def test_another_thread_does_not_wait_for_what_is_posted_together(queue: CommandQueue) -> None:
    ours, theirs = command(), command()
    with queue.together():
        queue.post(ours)
        other = threading.Thread(target=queue.post, args=(theirs,))
        other.start()
        other.join()
        assert queue.take() == [theirs]
    assert queue.take() == [ours]


def test_of_what_is_posted_together_nothing_comes_after_the_last(queue: CommandQueue) -> None:
    first, last = command(), command()
    with queue.together():
        queue.post(first)
        queue.post(last, last=True)
        queue.post(command())
    assert queue.closing
    assert queue.take() == [first, last]


def test_too_much_that_is_posted_together_is_an_overrun(queue: CommandQueue) -> None:
    with queue.together():
        queue.post(command(), size_bytes=MOST_BYTES)
        queue.post(command(), size_bytes=1)
    assert rings(queue)
    assert "is too slow" in queue.overrun()


@pytest.mark.parametrize("last", [True, False])
def test_its_end_tells_whether_it_was_asked_for(*, last: bool) -> None:
    queue = CommandQueue(MOST_BYTES)
    queue.post(command(), last=last)
    assert queue.end() is last
    queue.post(command())  # a caller that does not know yet
    assert queue.take() == []


def test_the_bell_does_not_ring_for_what_was_dropped(queue: CommandQueue) -> None:
    queue.post(command(), size_bytes=MOST_BYTES - 1, stays=True)
    queue.silence_bell()
    queue.take()
    for _ in range(1000):  # more than the bell's rope holds
        queue.post(command(), size_bytes=1, may_be_dropped=True)
    assert queue.dropped == 1000
    assert not rings(queue)
