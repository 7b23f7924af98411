from collections import deque

import pytest

from fluid.bus.protocol import (
    Closed,
    CloseReason,
    Delivered,
    LinkEvent,
    LinkOptions,
    Message,
    Opened,
    Sink,
)
from fluid.bus.rota import LET_IN_S, SILENCE_S
from fluid.client.line import FromLink, Line
from tests.unit.fluid.client.fake_bus import FakeBus, FakeLink

ATTIC, HALL = "mqtt://attic:1883", "mqtt://hall:1883"
LOST = Closed(CloseReason.LOST, "the cable is out")
UNREACHABLE = Closed(CloseReason.UNREACHABLE, "nothing listens")
LATE = Message("reply", b"late", qos=1)


class SilentLink(FakeLink):
    is_closed = False

    def close(self, **how: bool) -> None:
        self.is_closed = not how


class SilentBus(FakeBus):
    """Of a host that answers to nothing: a link neither opens nor closes by itself."""

    def open(self, options: LinkOptions, sink: Sink) -> FakeLink:
        link = SilentLink(self, options, sink)
        self.links.append(link)
        return link


class Bench:
    """A line to two brokers on a clock that only the test moves."""

    def __init__(self, attic: FakeBus | None = None, hall: FakeBus | None = None) -> None:
        self.attic, self.hall = attic or FakeBus(), hall or FakeBus()
        self.now = 0.0
        self.gave_up = 0
        self._inbox: deque[FromLink] = deque()
        self.line = Line(
            [self.attic, self.hall],
            [ATTIC, HALL],
            options=LinkOptions("me"),
            connect_timeout_s=5.0,
            post=self._inbox.append,
        )
        self.line.open(self.now)

    def step(self) -> list[LinkEvent]:
        """Let everything happen that is due now; returns what the line's user hears."""
        heard: list[LinkEvent] = []
        while True:
            while self._inbox:
                event = self.line.take(self._inbox.popleft())
                if event is None:
                    continue
                heard.append(event)
                if isinstance(event, Opened):
                    self.line.opened(self.now)
                if isinstance(event, Closed):
                    self.line.closed(event, self.now)
            self.gave_up += self.line.tick(self.now)
            if not self._inbox and self.line.next_deadline() > self.now:
                return heard

    def run(self, span_s: float) -> None:
        """From deadline to deadline."""
        end = self.now + span_s
        self.step()
        while (deadline := self.line.next_deadline()) <= end:
            self.now = deadline
            self.step()
        self.now = end


def kill(bus: FakeBus) -> None:
    bus.refusals = [UNREACHABLE] * 1000
    for link in bus.links:
        if link.is_open:
            link.end(LOST)


def revive(bus: FakeBus) -> None:
    bus.refusals = []


def at_fallback() -> Bench:
    bench = Bench()
    bench.step()
    kill(bench.attic)
    bench.step()
    assert bench.line.name == HALL
    assert bench.hall.links[-1].is_open
    return bench


def test_the_preferred_broker_is_used_while_it_is_there() -> None:
    bench = Bench()
    bench.run(60.0)
    assert bench.line.name == ATTIC
    assert len(bench.attic.links) == 1
    assert bench.hall.links == []


def test_a_link_that_breaks_is_opened_once_more_and_then_elsewhere_at_once() -> None:
    bench = at_fallback()
    assert len(bench.attic.links) == 2
    assert bench.now == 0.0
    assert bench.gave_up == 0  # its user heard of the end


def test_a_broker_that_is_away_for_a_moment_is_not_left() -> None:
    bench = Bench()
    bench.step()
    bench.attic.links[0].end(LOST)
    bench.step()
    assert bench.line.name == ATTIC
    assert bench.attic.links[1].is_open


def test_a_host_that_does_not_answer_is_waited_for_only_so_long() -> None:
    bench = Bench(attic=SilentBus())
    bench.run(4.9)
    assert bench.line.name == ATTIC
    bench.run(0.2)
    assert bench.line.name == HALL
    assert bench.hall.links[-1].is_open
    assert bench.now == pytest.approx(5.1)


def test_with_one_broker_a_host_that_does_not_answer_is_left_to_the_link() -> None:
    bus = SilentBus()
    line = Line(
        [bus], [ATTIC], options=LinkOptions("me"), connect_timeout_s=5.0, post=lambda _: None
    )
    line.open(0.0)
    assert line.next_deadline() == float("inf")
    assert not line.tick(60.0)
    assert len(bus.links) == 1


def test_after_two_good_probes_the_preferred_broker_is_returned_to() -> None:
    bench = at_fallback()
    bench.run(20.0)
    assert bench.line.name == HALL
    revive(bench.attic)
    former = bench.hall.links[-1]
    opened_before = len(bench.attic.links)
    bench.run(6.0)
    assert bench.line.name == ATTIC
    assert bench.gave_up == 1
    assert not former.is_open
    first, second, link = bench.attic.links[opened_before:]
    probing = LinkOptions("me-probe", connect_timeout_s=LET_IN_S)
    assert first.options == second.options == probing
    assert not first.is_open
    assert not second.is_open
    assert link.is_open
    bench.run(60.0)
    assert len(bench.attic.links) == opened_before + 3


def test_an_answer_that_comes_on_the_former_link_still_counts() -> None:
    bench = at_fallback()
    former = bench.hall.links[-1]
    revive(bench.attic)
    bench.run(6.0)
    assert bench.line.name == ATTIC
    former.deliver(LATE)
    assert bench.step() == [Delivered(LATE)]
    former.end(LOST)
    assert bench.step() == []


def test_where_nobody_serves_the_next_broker_is_looked_at() -> None:
    bench = Bench()
    bench.step()
    bench.line.unserved(bench.now)
    bench.run(1.9)
    bench.line.unserved(bench.now)
    assert bench.line.name == ATTIC
    bench.run(0.2)
    assert bench.line.name == HALL
    assert bench.gave_up == 1
    bench.line.unserved(bench.now)
    bench.run(2.1)
    assert bench.line.name == ATTIC


def test_somebody_who_serves_or_nothing_to_serve_ends_the_search() -> None:
    for ends in (Line.served, Line.idle):
        bench = Bench()
        bench.step()
        bench.line.unserved(bench.now)
        bench.run(1.9)
        ends(bench.line)
        bench.run(60.0)
        assert bench.line.name == ATTIC


def test_with_one_broker_there_is_nowhere_else_to_look() -> None:
    bus = FakeBus()
    line = Line(
        [bus], [ATTIC], options=LinkOptions("me"), connect_timeout_s=5.0, post=lambda _: None
    )
    line.open(0.0)
    line.opened(0.0)
    line.unserved(0.0)
    assert not line.tick(60.0)
    assert line.next_deadline() == float("inf")
    assert bus.links[0].is_open


def test_it_is_hopeless_once_every_broker_has_refused_for_good() -> None:
    refused = Closed(CloseReason.REFUSED, "who are you")
    unknown = Closed(CloseReason.NOT_FOUND, "no such host")
    bench = Bench(FakeBus(refusals=[refused] * 9), FakeBus(refusals=[UNREACHABLE, unknown]))
    hopeless = []
    for span_s in (0.0, 0.2):
        bench.run(span_s)
        hopeless.append(bench.line.is_hopeless)
    assert hopeless == [False, True]
    assert bench.line.failure == Closed(CloseReason.REFUSED, "who are you; no such host")


def test_before_anything_is_known_the_failure_is_that_nothing_answers() -> None:
    bench = Bench(attic=SilentBus())
    assert bench.line.failure == Closed(CloseReason.UNREACHABLE, f"{ATTIC} does not answer")


def test_closing_ends_the_probes_too() -> None:
    bench = at_fallback()
    bench.attic.refusals = []
    bench.now = 2.0
    bench.line.tick(bench.now)
    bench.line.close()
    assert not any(link.is_open for bus in (bench.attic, bench.hall) for link in bus.links)


def test_among_several_brokers_a_host_that_falls_silent_is_soon_found_out() -> None:
    bench = Bench()
    expected = LinkOptions("me", connect_timeout_s=LET_IN_S, silence_s=SILENCE_S)
    assert bench.attic.links[0].options == expected


def test_an_only_broker_is_waited_for_as_long_as_the_system_does() -> None:
    bus = FakeBus()
    options = LinkOptions("me")
    line = Line([bus], [ATTIC], options=options, connect_timeout_s=5.0, post=lambda _: None)
    line.open(0.0)
    assert bus.links[0].options == options


def test_a_probe_that_nobody_waits_for_any_more_is_closed_when_the_next_begins() -> None:
    attic = SilentBus()
    bench = Bench(attic=attic)
    bench.run(5.0 + 2.5)  # at the fallback, with a probe under way
    former = attic.links[-1]
    assert former.options.client_id == "me-probe"
    bench.hall.links[-1].end(LOST)
    bench.run(2.5)
    assert attic.links[-1].options.client_id == "me-probe"
    assert isinstance(former, SilentLink)
    assert former.is_closed
