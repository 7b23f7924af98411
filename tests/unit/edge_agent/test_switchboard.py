import logging
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

import pytest

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.core.events import Event, LinkName, Route
from edge_agent.switchboard import FromLink, Switchboard
from edge_agent.wire import SessionOptions, Wire
from fluid.bus import (
    Closed,
    CloseReason,
    Confirmed,
    Delivered,
    LinkEvent,
    LinkOptions,
    Message,
    Opened,
    Sink,
    Subscription,
)
from fluid.bus.rota import LET_IN_S
from fluid.messages import Done, ErrorReply
from fluid.topics import Topics
from tests.unit.edge_agent.making import feature, heartbeat, offline, partial, presence, request

OPEN_CONTROL = do.OpenControl(boot=1, will=offline("a", 5), probe=heartbeat("a", 5))
ERROR = (ErrorReply("1", "wrong_shape", "too wide"),)
NO_SUBSCRIBERS = 0x10
NOT_AUTHORISED = 0x87


@dataclass
class RecordingLink:
    """Writes down what it is asked to do, in order."""

    options: LinkOptions
    sink: Sink
    calls: list[tuple[object, ...]] = field(default_factory=list)

    def publish(self, message: Message, *, token: int | None = None) -> None:
        self.calls.append(("publish", message.topic, token))

    def subscribe(self, subscriptions: list[Subscription], *, token: int | None = None) -> None:
        self.calls.append(("subscribe", *(each.topic_filter for each in subscriptions), token))

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()

    def unsubscribe(self, topic_filters: list[str], *, token: int | None = None) -> None:
        self.calls.append(("unsubscribe", *topic_filters, token))

    def ack(self, ack_id: int) -> None:
        self.calls.append(("ack", ack_id))

    def close(self, *, end_session: bool = False, send_will: bool = False) -> None:
        self.calls.append(("close", end_session, send_will))


@dataclass
class RecordingBus:
    """One broker's. links: of all brokers, in the order in which they were opened."""

    links: list[RecordingLink]
    own: list[RecordingLink] = field(default_factory=list)

    def open(self, options: LinkOptions, sink: Sink) -> RecordingLink:
        link = RecordingLink(options, sink)
        self.links.append(link)
        self.own.append(link)
        return link


class Bench:
    """A switchboard, its links, and the way from a link's event to the core's."""

    def __init__(self, *, brokers: int = 2) -> None:
        self.links: list[RecordingLink] = []
        self.buses = [RecordingBus(self.links) for _ in range(brokers)]
        self._inbox: list[FromLink] = []
        wire = Wire(Topics(), "a", SessionOptions())
        preferred, *fallbacks = self.buses
        self.switchboard = Switchboard(preferred, wire, self._inbox.append, fallbacks=fallbacks)

    def opened(self, effect: do.Effect) -> RecordingLink:
        """Carry out an opening and let it succeed; its calls so far are forgotten."""
        assert self.switchboard.perform(effect)
        link = self.links[-1]
        self.hear(link, Opened(session_present=True))
        link.calls.clear()
        return link

    def hear(self, link: RecordingLink, event: LinkEvent) -> list[Event]:
        link.sink(event)
        return self.switchboard.events(self._inbox.pop())


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_the_control_link_subscribes_before_it_sends_its_probe(bench: Bench) -> None:
    bench.switchboard.perform(OPEN_CONTROL)
    (link,) = bench.links
    assert link.calls == []
    assert bench.hear(link, Opened(session_present=False)) == [seen.LinkOpened(LinkName.CONTROL)]
    assert [call[0] for call in link.calls] == ["subscribe", "publish"]
    assert link.calls[1][1] == "fluid/heartbeat/a"


def test_the_inference_link_takes_away_what_an_adopter_left_in_its_session(bench: Bench) -> None:
    bench.switchboard.perform(do.OpenInfer())
    (link,) = bench.links
    assert bench.hear(link, Opened(session_present=True)) == [seen.LinkOpened(LinkName.INFER)]
    assert link.calls == [("unsubscribe", "fluid/adopt/a", None)]


def test_nothing_is_said_on_a_link_that_is_not_open_yet(bench: Bench) -> None:
    for opening in (OPEN_CONTROL, do.OpenInfer(), do.OpenAdoption("dead")):
        bench.switchboard.perform(opening)
    for effect in (
        do.SendDone(Done((request().key,))),
        do.SendPartials("b", (partial("1", "a", "lower50"),)),
        do.SendFeatures("b", (feature("1", "a"),)),
        do.PublishPresence(presence("a")),
        do.SendReply(request(), ERROR, as_list=False, token=1),
        do.Ack(3),
        do.Serve(Route.SHARED),
        do.StopServing(Route.SHARED),
        do.AckAdopted("dead", 3),
    ):
        assert bench.switchboard.perform(effect)
    assert [link.calls for link in bench.links] == [[], [], []]


def test_a_link_that_is_not_open_yet_can_be_closed(bench: Bench) -> None:
    bench.switchboard.perform(OPEN_CONTROL)
    bench.switchboard.perform(do.CloseLink(LinkName.CONTROL))
    assert bench.links[0].calls == [("close", False, False)]


def test_what_is_said_of_and_to_the_cluster_goes_by_the_control_link(bench: Bench) -> None:
    link = bench.opened(OPEN_CONTROL)
    infer = bench.opened(do.OpenInfer())
    for effect in (
        do.PublishPresence(presence("a")),
        do.ClearPresence("gone", 1),
        do.PublishHeartbeat(heartbeat("a")),
        do.SendPartials("b", (partial("1", "a", "lower50"),)),
        do.SendFeatures("b", (feature("1", "a"),)),
        do.SendDone(Done((request().key,))),
    ):
        assert bench.switchboard.perform(effect)
    assert [call[1] for call in link.calls] == [
        "fluid/presence/a",
        "fluid/presence/gone",
        "fluid/term/gone",
        "fluid/condemned/gone",
        "fluid/heartbeat/a",
        "fluid/partial/b",
        "fluid/feature/b",
        "fluid/done",
    ]
    assert infer.calls == []


def test_answers_and_acknowledgements_go_by_the_inference_link_in_order(bench: Bench) -> None:
    link = bench.opened(do.OpenInfer())
    for effect in (
        do.SendReply(request("1"), ERROR, as_list=False, token=7),
        do.Ack(3),
        do.Ack(0),  # a delivery at QoS 0 has nothing to acknowledge
    ):
        assert bench.switchboard.perform(effect)
    assert link.calls == [("publish", "fluid/result/1", 7), ("ack", 3)]


def test_a_route_is_served_once_its_subscription_is_confirmed(bench: Bench) -> None:
    link = bench.opened(do.OpenInfer())
    for route in Route:
        bench.switchboard.perform(do.Serve(route))
        token = link.calls[-1][-1]
        assert isinstance(token, int)
        assert bench.hear(link, Confirmed(token, 1)) == [seen.Served(route)]
    bench.switchboard.perform(do.StopServing(Route.SHARED))
    assert link.calls[-1] == ("unsubscribe", "$share/fluid/fluid/infer/#", None)


def test_a_refused_route_is_logged_once_and_told_each_time(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    link = bench.opened(do.OpenInfer())
    for _ in range(2):
        bench.switchboard.perform(do.Serve(Route.SHARED))
        token = link.calls[-1][-1]
        assert isinstance(token, int)
        refused = bench.hear(link, Confirmed(token, NOT_AUTHORISED))
        assert refused == [seen.ServeRefused(Route.SHARED)]
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    text = record.getMessage()
    assert text.startswith("subscription_refused reason=0x87 topics=$share/fluid/fluid/infer/#")


def test_a_refusal_of_the_clusters_topics_is_logged_and_no_confirmation_of_a_note(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.switchboard.perform(OPEN_CONTROL)
    (link,) = bench.links
    bench.hear(link, Opened(session_present=False))
    token = link.calls[0][-1]
    assert isinstance(token, int)
    assert bench.hear(link, Confirmed(token, 0)) == []
    assert caplog.messages == []
    assert bench.hear(link, Confirmed(token, NOT_AUTHORISED)) == []
    assert "fluid/presence/+" in caplog.text


def test_the_confirmation_of_an_answer_says_whether_it_was_accepted(bench: Bench) -> None:
    link = bench.opened(do.OpenInfer())
    assert bench.hear(link, Confirmed(7)) == [seen.ReplyConfirmed(7, accepted=True)]
    assert bench.hear(link, Confirmed(8, NO_SUBSCRIBERS)) == [seen.ReplyConfirmed(8, accepted=True)]
    refused = bench.hear(link, Confirmed(9, NOT_AUTHORISED))
    assert refused == [seen.ReplyConfirmed(9, accepted=False)]


def test_malformed_messages_are_counted_and_logged(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    link = bench.opened(OPEN_CONTROL)
    with caplog.at_level(logging.WARNING):
        assert bench.hear(link, Delivered(Message("fluid/cluster", b"no json"))) == []
    assert bench.switchboard.malformed == {"cluster": 1}
    assert "malformed topic=fluid/cluster kind=cluster reason=" in caplog.text


def test_the_end_of_a_link_is_told_with_its_reason_and_nothing_goes_there_any_more(
    bench: Bench,
) -> None:
    link = bench.opened(do.OpenInfer())
    assert bench.hear(link, Closed(CloseReason.LOST, "cable")) == [
        seen.LinkClosed(LinkName.INFER, CloseReason.LOST, "cable")
    ]
    bench.switchboard.perform(do.Ack(3))
    assert link.calls == []
    assert not bench.switchboard.has_links


def test_what_a_former_connection_still_says_is_not_taken_for_the_present_one(
    bench: Bench,
) -> None:
    former = bench.opened(do.OpenInfer())
    bench.hear(former, Closed(CloseReason.LOST))
    current = bench.opened(do.OpenInfer())
    assert bench.hear(former, Confirmed(7)) == []
    assert bench.hear(former, Closed(CloseReason.LOST)) == []
    bench.switchboard.perform(do.Ack(3))
    assert current.calls == [("ack", 3)]


def test_an_adoption_is_drained_in_the_order_that_lets_the_marker_come_last(bench: Bench) -> None:
    link = bench.opened(do.OpenAdoption("dead"))
    assert link.options.client_id == "fluid:dead"
    bench.switchboard.perform(do.DrainAdoption("dead", "a.5.1"))
    assert [call[0] for call in link.calls] == ["unsubscribe", "subscribe", "publish"]
    assert link.calls[0][1:3] == ("fluid/infer/#", "$share/fluid/fluid/infer/#")
    assert link.calls[1][1] == link.calls[2][1] == "fluid/adopt/dead"


def test_an_adopted_request_is_handed_over_answered_and_acknowledged_on_its_own_link(
    bench: Bench,
) -> None:
    link = bench.opened(do.OpenAdoption("dead"))
    bench.opened(do.OpenAdoption("other"))
    for effect in (
        do.RepublishAdopted("dead", request("1"), 1, token=4),
        do.ReplyAdopted("dead", request("1"), ERROR, token=5),
        do.AckAdopted("dead", 3),
    ):
        assert bench.switchboard.perform(effect)
    assert link.calls == [("publish", "fluid/infer/1", 4), ("publish", "fluid/result/1", 5),
                          ("ack", 3)]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "accepted", "heard"),
    [(0, True, True), (NO_SUBSCRIBERS, True, False), (NOT_AUTHORISED, False, True)],
)
def test_the_confirmation_of_a_handover_says_whether_anybody_heard_it(
    bench: Bench, code: int, *, accepted: bool, heard: bool
) -> None:
    link = bench.opened(do.OpenAdoption("dead"))
    assert bench.hear(link, Confirmed(4, code)) == [
        seen.AdoptionConfirmed("dead", 4, accepted, heard)
    ]


def test_the_news_of_an_adopted_session_names_its_agent(bench: Bench) -> None:
    bench.switchboard.perform(do.OpenAdoption("dead"))
    (link,) = bench.links
    assert bench.hear(link, Opened(session_present=True)) == [
        seen.AdoptionOpened("dead", session_present=True)
    ]
    assert bench.hear(link, Closed(CloseReason.TAKEN_OVER)) == [
        seen.AdoptionClosed("dead", CloseReason.TAKEN_OVER)
    ]


@pytest.mark.parametrize("end_session", [True, False])
def test_a_closed_adoption_is_heard_of_no_more(bench: Bench, *, end_session: bool) -> None:
    link = bench.opened(do.OpenAdoption("dead"))
    bench.switchboard.perform(do.CloseAdoption("dead", end_session))
    assert link.calls == [("close", end_session, False)]
    assert bench.hear(link, Delivered(Message("fluid/infer/1", b"late", qos=1), 3)) == []


# Several brokers.


@pytest.mark.parametrize("broker", [0, 1])
def test_all_links_are_opened_where_the_control_link_was_opened_last(
    bench: Bench, broker: int
) -> None:
    bench.switchboard.perform(replace(OPEN_CONTROL, broker=1 - broker))
    bench.switchboard.perform(do.DropLink(LinkName.CONTROL))
    bench.switchboard.perform(replace(OPEN_CONTROL, broker=broker))
    bench.switchboard.perform(do.OpenInfer())
    bench.switchboard.perform(do.OpenAdoption("dead"))
    assert [len(bus.own) for bus in bench.buses] == ([3, 1] if broker == 0 else [1, 3])


def test_nothing_more_is_heard_of_a_link_that_was_dropped_and_another_is_opened_at_once(
    bench: Bench,
) -> None:
    former = bench.opened(do.OpenInfer())
    bench.switchboard.perform(do.DropLink(LinkName.INFER))
    assert former.calls == [("close", False, False)]
    assert not bench.switchboard.has_links
    current = bench.opened(do.OpenInfer())
    request_message = Message("fluid/infer/1", b"late", qos=1)
    assert bench.hear(former, Delivered(request_message, 3)) == []
    assert bench.hear(former, Closed(CloseReason.REQUESTED)) == []
    bench.switchboard.perform(do.Ack(3))
    assert current.calls == [("ack", 3)]


def test_dropping_a_link_that_is_gone_is_nothing(bench: Bench) -> None:
    assert bench.switchboard.perform(do.DropLink(LinkName.INFER))
    assert bench.links == []


def test_a_probe_opens_a_short_connection_that_leaves_nothing_behind(bench: Bench) -> None:
    bench.switchboard.perform(do.ProbeBroker(broker=1, boot=255))
    (probe,) = bench.buses[1].own
    assert probe.options == LinkOptions("fluid:a:probe:ff", connect_timeout_s=LET_IN_S)
    assert bench.hear(probe, Opened(session_present=False)) == [seen.BrokerProbed(1, answered=True)]
    assert probe.calls == [("close", False, False)]
    assert bench.hear(probe, Closed(CloseReason.REQUESTED)) == []


def test_a_probe_that_is_not_let_in_says_why(bench: Bench) -> None:
    bench.switchboard.perform(do.ProbeBroker(broker=0, boot=1))
    (probe,) = bench.buses[0].own
    assert bench.hear(probe, Closed(CloseReason.REFUSED, "who are you")) == [
        seen.BrokerProbed(0, answered=False, detail="who are you")
    ]
    assert probe.calls == []


def test_a_probe_is_none_of_the_other_links_business(bench: Bench) -> None:
    control = bench.opened(OPEN_CONTROL)
    bench.switchboard.perform(do.ProbeBroker(broker=1, boot=1))
    bench.hear(bench.buses[1].own[0], Closed(CloseReason.UNREACHABLE))
    bench.switchboard.perform(do.PublishHeartbeat(heartbeat("a")))
    assert [call[0] for call in control.calls] == ["publish"]


def test_a_probe_under_way_is_closed_with_the_rest(bench: Bench) -> None:
    bench.switchboard.perform(do.ProbeBroker(broker=1, boot=1))
    bench.switchboard.close()
    (probe,) = bench.links
    assert probe.calls == [("close", False, False)]
    assert bench.hear(probe, Opened(session_present=False)) == []


def test_closing_closes_everything(bench: Bench) -> None:
    links = [
        bench.opened(effect) for effect in (OPEN_CONTROL, do.OpenInfer(), do.OpenAdoption("dead"))
    ]
    bench.switchboard.close()
    assert [link.calls for link in links] == [[("close", False, False)]] * 3


def test_what_is_not_of_the_bus_is_left_to_others(bench: Bench) -> None:
    for effect in (do.Note("x"), do.Exit(0), do.Compute(request(), ("lower50",))):
        assert not bench.switchboard.perform(effect)


def test_notes_and_verdicts_are_written_on_the_control_link_and_confirmations_come_back(
    bench: Bench,
) -> None:
    link = bench.opened(OPEN_CONTROL)
    key = request().key
    bench.switchboard.perform(do.WriteAttempt("a", (key,), token=7))
    bench.switchboard.perform(do.WriteAttempt("dead", (), token=0))
    bench.switchboard.perform(do.PublishCondemned((key,)))
    assert link.calls == [
        ("publish", "fluid/attempt/a", 7),
        ("publish", "fluid/attempt/dead", None),
        ("publish", "fluid/condemned/a", None),
    ]
    assert bench.hear(link, Confirmed(7)) == [seen.AttemptConfirmed(7, accepted=True)]
    refused = bench.hear(link, Confirmed(8, NOT_AUTHORISED))
    assert refused == [seen.AttemptConfirmed(8, accepted=False)]


def test_what_the_broker_says_to_a_clearing_is_told_apart_from_notes(bench: Bench) -> None:
    link = bench.opened(OPEN_CONTROL)
    bench.switchboard.perform(do.ClearPresence("gone", 7))
    (first, *others) = link.calls
    token = first[-1]
    assert isinstance(token, int)
    assert [each[-1] for each in others] == [None, None]
    done = bench.hear(link, Confirmed(token))
    assert done == [seen.ForgetConfirmed(7, accepted=True)]
    refused = bench.hear(link, Confirmed(token, NOT_AUTHORISED))
    assert refused == [seen.ForgetConfirmed(7, accepted=False)]


def test_a_probe_that_nobody_waits_for_any_more_is_closed_when_the_next_begins(
    bench: Bench,
) -> None:
    for _ in range(2):
        bench.switchboard.perform(do.ProbeBroker(broker=0, boot=1))
    former, current = bench.buses[0].own
    assert former.calls == [("close", False, False)]
    assert bench.hear(former, Opened(session_present=False)) == []
    assert bench.hear(current, Opened(session_present=False)) == [
        seen.BrokerProbed(0, answered=True)
    ]


def test_among_several_brokers_none_is_waited_for_as_long_as_an_only_one() -> None:
    for brokers, timeout_s in ((1, LinkOptions("").connect_timeout_s), (2, LET_IN_S)):
        bench = Bench(brokers=brokers)
        for effect in (OPEN_CONTROL, do.OpenInfer(), do.OpenAdoption("b")):
            bench.switchboard.perform(effect)
        assert [link.options.connect_timeout_s for link in bench.links] == [timeout_s] * 3
