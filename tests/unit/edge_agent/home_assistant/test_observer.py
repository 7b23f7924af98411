import logging
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import pytest

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.core.events import Event, LinkName
from edge_agent.home_assistant.activity import REPORT_S
from edge_agent.home_assistant.discovery import Discovery
from edge_agent.home_assistant.observer import HomeAssistantObserver
from edge_agent.observer import View
from edge_agent.wire import SessionOptions, Wire
from fluid.bus import (
    Closed,
    CloseReason,
    Confirmed,
    Delivered,
    LinkOptions,
    Message,
    Opened,
    Sink,
    Subscription,
)
from fluid.messages import Role
from fluid.topics import Topics
from tests.unit.edge_agent.making import heartbeat, offline, presence

DISCOVERY = Discovery(Topics(), "a", Role.WORKER, version="1")
AGENT, CLUSTER = DISCOVERY.of_agent().topic, DISCOVERY.of_cluster().topic
STATE = "fluid/state/a"
STATUS = "homeassistant/status"
ONLINE = do.PublishPresence(presence("a", 5))
OFFLINE = do.PublishPresence(offline("a", 5))
LOST = Closed(CloseReason.LOST, "gone")
DENIED = 0x87


def open_control(broker: int = 0) -> do.OpenControl:
    return do.OpenControl(1, offline("a", 5), heartbeat("a", 5), broker)


@dataclass
class FakeLink:
    """Keeps what it is asked to do, and brings what a test says."""

    options: LinkOptions
    sink: Sink
    published: list[tuple[Message, int | None]] = field(default_factory=list)
    subscribed: list[str] = field(default_factory=list)
    closings: list[tuple[bool, bool]] = field(default_factory=list)

    def publish(self, message: Message, *, token: int | None = None) -> None:
        self.published.append((message, token))

    def subscribe(self, subscriptions: list[Subscription], *, token: int | None = None) -> None:
        assert token is not None
        self.subscribed += [each.topic_filter for each in subscriptions]

    def unsubscribe(self, topic_filters: list[str], *, token: int | None = None) -> None:
        raise NotImplementedError

    def ack(self, ack_id: int) -> None:
        raise NotImplementedError

    def close(self, *, end_session: bool = False, send_will: bool = False) -> None:
        self.closings.append((end_session, send_will))

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()

    @property
    def is_closed(self) -> bool:
        return self.closings == [(False, False)]

    @property
    def topics(self) -> list[str]:
        """What was published since this was asked last."""
        topics = [message.topic for message, _ in self.published]
        self.published.clear()
        return topics

    def answer(self, reason: int = 0) -> None:
        """The broker answers all that was published with a token."""
        for _, token in self.published:
            if token is not None:
                self.sink(Confirmed(token, reason))
        self.published.clear()


@dataclass
class FakeBus:
    links: list[FakeLink] = field(default_factory=list)

    def open(self, options: LinkOptions, sink: Sink) -> FakeLink:
        self.links.append(FakeLink(options, sink))
        return self.links[-1]


class Bench:
    """An observer of an agent at one of two brokers."""

    def __init__(self, *, withdraws: bool = False) -> None:
        self.buses = (FakeBus(), FakeBus())
        wire = Wire(Topics(), "a", SessionOptions())
        self.observer = HomeAssistantObserver(
            DISCOVERY, self.buses, wire.home_assistant_options, withdraws=withdraws
        )
        self.now = 0.0

    @property
    def link(self) -> FakeLink:
        """The newest at the first broker."""
        return self.buses[0].links[-1]

    def step(self, *effects: do.Effect, event: Event | None = None, after_s: float = 0.0) -> None:
        self.now += after_s
        self.observer.observe(event or seen.Tick(), effects, self.now)

    def serve(self) -> None:
        """The agent connects and says its presence, and the broker lets the observer in."""
        self.step(open_control())
        self.step(event=seen.LinkOpened(LinkName.CONTROL))
        self.step(ONLINE)
        self.link.sink(Opened(session_present=False))
        self.step()


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.serve()
    return made


def test_nothing_is_opened_before_the_agent_has_said_that_it_is_there() -> None:
    bench = Bench()
    bench.step(open_control())
    bench.step(event=seen.LinkOpened(LinkName.CONTROL))
    assert bench.buses[0].links == []
    bench.step(ONLINE)
    assert bench.link.options == LinkOptions("fluid:a:home-assistant:1")
    assert bench.link.topics == []  # not before it is open


def test_all_is_said_and_home_assistants_start_is_listened_for(bench: Bench) -> None:
    assert bench.link.subscribed == [STATUS]
    assert bench.link.topics == [AGENT, STATE]


def test_home_assistants_start_has_it_said_again(bench: Bench) -> None:
    assert bench.link.topics
    bench.link.sink(Delivered(Message(STATUS, b"online")))
    bench.step()
    assert bench.link.topics == [AGENT, STATE]


def test_the_leader_says_the_cluster(bench: Bench) -> None:
    assert bench.link.topics
    bench.observer.beat(View(None, leads=True, serving=None, held=0, malformed={}))
    bench.step()
    assert bench.link.topics == [CLUSTER]


def test_reports_go_on(bench: Bench) -> None:
    assert bench.link.topics
    bench.step(after_s=REPORT_S)
    assert bench.link.topics == [STATE]


def test_a_presence_said_again_opens_no_second_link(bench: Bench) -> None:
    bench.step(ONLINE)
    assert len(bench.buses[0].links) == 1


@pytest.mark.parametrize(
    ("event", "effects"),
    [
        (seen.LinkClosed(LinkName.CONTROL, CloseReason.LOST), ()),
        (seen.Tick(), (OFFLINE,)),
        (seen.Tick(), (open_control(1),)),
    ],
)
def test_it_goes_with_the_control_link(
    bench: Bench, event: Event, effects: tuple[do.Effect, ...]
) -> None:
    bench.step(*effects, event=event)
    assert bench.link.is_closed
    bench.link.sink(Closed(CloseReason.REQUESTED))
    bench.step(after_s=120.0)
    assert [len(bus.links) for bus in bench.buses] == [1, 0]


def test_the_loss_of_the_inference_link_is_nothing_to_it(bench: Bench) -> None:
    bench.step(event=seen.LinkClosed(LinkName.INFER, CloseReason.LOST))
    assert not bench.link.is_closed


def test_it_speaks_at_the_broker_where_the_agent_is(bench: Bench) -> None:
    bench.step(event=seen.LinkClosed(LinkName.CONTROL, CloseReason.LOST))
    bench.step(open_control(1))
    bench.step(ONLINE)
    (there,) = bench.buses[1].links
    there.sink(Opened(session_present=False))
    bench.step()
    assert there.topics == [AGENT, STATE]


def test_its_own_link_is_opened_again_after_pauses_that_grow(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    opened = []
    for _ in range(4):
        bench.link.sink(LOST)
        bench.step()
        since = bench.now
        links = len(bench.buses[0].links)
        while len(bench.buses[0].links) == links:
            bench.step(after_s=0.5)
        opened.append(bench.now - since)
    assert opened == [1.0, 2.0, 4.0, 8.0]
    assert caplog.messages[0] == "home_assistant_lost reason=lost detail=gone retry_in_s=1.0"


def test_pauses_begin_anew_once_the_broker_has_taken_something(bench: Bench) -> None:
    bench.link.sink(LOST)
    bench.step()
    bench.step(after_s=1.0)
    bench.link.sink(Opened(session_present=False))
    bench.step()
    bench.link.answer()
    bench.link.sink(LOST)
    bench.step()
    links = len(bench.buses[0].links)
    bench.step(after_s=1.0)
    assert len(bench.buses[0].links) == links + 1


def test_a_topic_that_is_denied_is_named_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for _ in range(2):
        bench.link.answer(DENIED)
        bench.step()
        bench.link.sink(Delivered(Message(STATUS, b"online")))
        bench.step()
    (line,) = caplog.messages
    assert line.startswith(f"home_assistant_refused topic={AGENT} message=")


def test_what_comes_of_a_link_that_was_given_up_is_not_looked_at(bench: Bench) -> None:
    old = bench.link
    bench.step(event=seen.LinkClosed(LinkName.CONTROL, CloseReason.LOST))
    bench.step(open_control())
    bench.step(ONLINE)
    old.sink(LOST)
    bench.link.sink(Opened(session_present=False))
    bench.step()
    assert bench.link is not old
    assert bench.link.topics == [AGENT, STATE]


@pytest.mark.parametrize("reason", [0, DENIED])
def test_who_withdraws_hangs_up_once_that_is_answered(reason: int) -> None:
    bench = Bench(withdraws=True)
    bench.serve()
    assert bench.link.subscribed == []
    assert [(each.topic, each.payload) for each, _ in bench.link.published] == [
        (AGENT, b""),
        (CLUSTER, b""),
    ]
    bench.link.answer(reason)
    bench.step()
    assert bench.link.is_closed
    bench.step(ONLINE, after_s=120.0)
    assert len(bench.buses[0].links) == 1


def test_the_link_ends_with_the_agent(bench: Bench) -> None:
    with bench.observer:
        pass
    assert bench.link.is_closed
