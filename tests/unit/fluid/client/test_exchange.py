"""The exchange where there are several brokers; with one it is tested through `FluidClient`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from fluid.bus import Pace
from fluid.bus.protocol import Closed, CloseReason, Message
from fluid.client import Backoff, FluidClient, ResendPolicy
from fluid.client.exchange import Exchange, ExchangeOptions
from fluid.errors import BrokerRefused, BrokerUnreachable, RequestTimeout
from tests.processes import wait_until
from tests.unit.fluid.client.fake_bus import FakeBus, FakeLink, answer_with_length, never_answer

NAMES = ("mqtt://attic:1883", "mqtt://hall:1883")
TIMEOUT_S = 60.0  # only to end a failing test
LOST = Closed(CloseReason.LOST, "the cable is out")
UNREACHABLE = Closed(CloseReason.UNREACHABLE, "nothing listens")
REFUSED = Closed(CloseReason.REFUSED, "who are you")
HASTY = Pace(probe_s=0.02, unserved_s=0.05)
NEVER = Backoff(3600.0, 3600.0)
ONLY_WHERE_NOBODY_SERVES = ResendPolicy(unanswered=NEVER, unserved=Backoff(0.01, 0.01))


@contextmanager
def exchange_with(*buses: FakeBus) -> Iterator[Exchange]:
    options = ExchangeOptions(
        NAMES, "me", "fluid/result/me", resend=ONLY_WHERE_NOBODY_SERVES, pace=HASTY
    )
    exchange = Exchange(buses, options)
    exchange.start()
    try:
        yield exchange
    finally:
        exchange.stop()


def ask(exchange: Exchange, name: str) -> Callable[[], int]:
    """Send a request; the answer's label comes when it is called for."""
    message = Message(
        "fluid/infer", b"1234", qos=1, response_topic="fluid/result/me", correlation=name.encode()
    )
    future = exchange.submit(name, message, timeout_s=TIMEOUT_S)
    return lambda: future.result(TIMEOUT_S).result().label


def test_what_was_under_way_at_a_broker_that_dies_is_sent_again_at_the_next() -> None:
    def die(link: FakeLink, _request: Message) -> None:
        attic.refusals = [UNREACHABLE] * 1000
        link.end(LOST)

    attic, hall = FakeBus(die), FakeBus()
    with exchange_with(attic, hall) as exchange:
        assert ask(exchange, "r1")() == 4
    assert attic.published_ids == hall.published_ids == ["r1"]
    assert exchange.statistics.answered == 1


def test_it_returns_to_the_preferred_broker_and_asks_again_there() -> None:
    attic = FakeBus(refusals=[UNREACHABLE] * 3)
    hall = FakeBus(never_answer)
    with exchange_with(attic, hall) as exchange:
        assert ask(exchange, "r1")() == 4
        assert ask(exchange, "r2")() == 4
    assert hall.published_ids[0] == "r1"
    assert attic.published_ids == ["r1", "r2"]
    assert not any(link.is_open for link in hall.links)


def test_an_answer_from_both_brokers_is_given_out_once() -> None:
    held: list[tuple[FakeLink, Message]] = []
    attic = FakeBus(refusals=[UNREACHABLE] * 3)
    hall = FakeBus(lambda link, request: held.append((link, request)))
    with exchange_with(attic, hall) as exchange:
        assert ask(exchange, "r1")() == 4  # at the preferred one, after the return
        ((former, request),) = held
        answer_with_length(former, request)
        wait_until(lambda: exchange.statistics.duplicates == 1, what="not counted")
    assert exchange.statistics.answered == 1


def test_where_nobody_serves_it_goes_on_to_the_next_broker() -> None:
    attic, hall = FakeBus(never_answer, reasons=[0x10] * 10_000), FakeBus()
    with exchange_with(attic, hall) as exchange:
        assert ask(exchange, "r1")() == 4
    assert hall.published_ids == ["r1"]
    assert exchange.statistics.unserved >= 1


class TestFirstConnection:
    def test_the_first_that_lets_us_in_is_used(self) -> None:
        attic, hall = FakeBus(refusals=[REFUSED] * 1000), FakeBus()
        with FluidClient(bus=[attic, hall]) as client:
            assert client.infer(b"12").label == 2

    def test_a_broker_that_refuses_the_reply_topic_is_no_better_than_one_that_refuses_us(
        self,
    ) -> None:
        attic, hall = FakeBus(subscribe_reason=0x87), FakeBus()
        with FluidClient(bus=[attic, hall]) as client:
            assert client.infer(b"12").label == 2
        assert not any(link.is_open for link in attic.links)

    def test_only_if_all_refuse_for_good_is_it_an_error_at_once(self) -> None:
        buses = [FakeBus(refusals=[REFUSED] * 1000) for _ in range(2)]
        with pytest.raises(BrokerRefused, match="who are you; who are you"):
            FluidClient(bus=buses, connect_timeout_s=TIMEOUT_S).connect()

    def test_if_none_can_be_reached_the_error_says_so_of_each(self) -> None:
        attic = FakeBus(refusals=[Closed(CloseReason.UNREACHABLE, "attic is off")] * 10_000)
        hall = FakeBus(refusals=[Closed(CloseReason.REFUSED, "hall says no")] * 10_000)
        with pytest.raises(BrokerUnreachable, match="attic is off; hall says no"):
            FluidClient(bus=[attic, hall], connect_timeout_s=0.2).connect()

    def test_addresses_may_be_a_sequence_or_have_commas_and_none_may_come_twice(self) -> None:
        for broker in ("mqtt://a,mqtt://b", ["mqtt://a", "mqtt://b"]):
            FluidClient(broker).close()
        with pytest.raises(ValueError, match="is given twice"):
            FluidClient(["mqtt://a", "mqtt://a:1883"])


def test_a_time_out_names_the_brokers_that_were_asked() -> None:
    buses = [FakeBus(never_answer) for _ in range(2)]
    options = ExchangeOptions(NAMES, "me", "fluid/result/me")
    exchange = Exchange(buses, options)
    exchange.start()
    message = Message("fluid/infer", b"1", qos=1, correlation=b"r1")
    answer = exchange.submit("r1", message, timeout_s=0.05).result(TIMEOUT_S)
    exchange.stop()
    assert isinstance(answer.error, RequestTimeout)
    assert "no answer from mqtt://attic:1883 or mqtt://hall:1883 within" in str(answer.error)
