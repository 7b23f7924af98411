import queue
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from fluid import FluidClient
from fluid.bus.protocol import Message
from fluid.client import exchange
from fluid.errors import RequestError
from tests.processes import wait_until
from tests.unit.fluid.client.fake_bus import FakeBus, FakeLink, answer_with_length

TIMEOUT_S = 30.0  # only to end a failing test


class Slow:
    """Keeps requests until it is told to answer them."""

    def __init__(self) -> None:
        self._kept: queue.SimpleQueue[tuple[FakeLink, Message]] = queue.SimpleQueue()

    def __call__(self, link: FakeLink, request: Message) -> None:
        self._kept.put((link, request))

    @property
    def kept(self) -> int:
        return self._kept.qsize()

    def answer_one(self) -> None:
        answer_with_length(*self._kept.get(timeout=TIMEOUT_S))


@pytest.mark.parametrize(
    ("limit", "value"), [("MOST_UNANSWERED", 2), ("MOST_UNANSWERED_BYTES", 20)]
)
def test_so_much_may_be_unanswered_and_whoever_asks_for_more_waits(
    limit: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, limit, value)
    slow = Slow()
    with FluidClient(bus=FakeBus(slow)) as client, ThreadPoolExecutor(6) as pool:
        answers = [pool.submit(client.infer, b"0123456789") for _ in range(6)]
        for left in range(6, 0, -1):
            wait_until(lambda left=left: slow.kept == min(left, 2))  # type: ignore[misc]
            slow.answer_one()
        assert [answer.result(TIMEOUT_S).label for answer in answers] == [10] * 6


def test_a_request_alone_may_be_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "MOST_UNANSWERED_BYTES", 5)
    with FluidClient(bus=FakeBus(answer_with_length)) as client:
        assert client.infer(b"0123456789").label == 10


def test_closing_ends_those_that_wait_for_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "MOST_UNANSWERED", 1)
    slow = Slow()
    client = FluidClient(bus=FakeBus(slow))
    started = threading.Barrier(3)

    def ask() -> None:
        started.wait(TIMEOUT_S)
        client.infer(b"x")

    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(ask) for _ in range(2)]
        started.wait(TIMEOUT_S)
        wait_until(lambda: slow.kept == 1)
        client.close()
        errors = [each.exception(TIMEOUT_S) for each in asked]
    assert {type(error) for error in errors} == {RequestError, RuntimeError}
