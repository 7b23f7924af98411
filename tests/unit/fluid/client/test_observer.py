import pytest

from fluid.bus.protocol import (
    Closed,
    CloseReason,
    Confirmed,
    LinkEvent,
    LinkOptions,
    Message,
    Sink,
)
from fluid.client.observer import ClusterObserver, ClusterView, Observation
from fluid.errors import BrokerRefused, BrokerUnreachable
from fluid.messages import AgentState, ClusterState, Heartbeat, Mode, Presence, Role
from fluid.topics import Topics
from tests.unit.fluid.client.fake_bus import FakeBus, FakeLink, retained

TOPICS = Topics()
MARKER = "fluid/result/me"
QUIET_S = 0.2


def presence(agent: str, incarnation: int = 1) -> Message:
    made = Presence(agent, AgentState.ONLINE, Role.WORKER, 10, incarnation, bundle="abc")
    return retained(TOPICS.presence(agent), made.encode())


def heartbeat(agent: str, sequence: int = 1, *, queue: int = 0) -> Message:
    beat = Heartbeat(agent, 1, sequence, queue=queue, busy=0.5)
    return Message(TOPICS.heartbeat(agent), beat.encode())


def state(mode: Mode) -> Message:
    return retained(TOPICS.cluster, ClusterState(1, 0, "a", mode).encode())


def observed(*messages: Message) -> Observation:
    """An observation that was complete at the moment 10.2."""
    observation = Observation(TOPICS, MARKER, quiet_s=QUIET_S)
    observation.opened()
    for message in messages:
        observation.add(message, 10.0)
    observation.add(Message(MARKER, b"marker"), 10.0)
    return observation


def view_of(observation: Observation, now_s: float) -> ClusterView:
    view = observation.view(now_s)
    assert view is not None
    return view


def agents(view: ClusterView) -> list[str]:
    return [each.agent for each in view.snapshot.presences]


# What is known, at explicit moments.


def test_nothing_is_shown_before_the_marker_and_a_quiet_time() -> None:
    observation = Observation(TOPICS, MARKER, quiet_s=QUIET_S)
    observation.opened()
    observation.add(presence("a"), 0.0)
    assert observation.quiet_at_s is None
    assert observation.view(60.0) is None
    observation.add(Message(MARKER, b"marker"), 60.0)
    observation.add(presence("b"), 60.1)  # a broker that keeps no order
    assert observation.view(60.25) is None
    assert agents(view_of(observation, 60.1 + QUIET_S)) == ["a", "b"]


def test_what_comes_later_is_seen_at_once() -> None:
    observation = observed(presence("a"))
    view_of(observation, 10.2)
    observation.add(presence("b"), 11.0)
    observation.add(heartbeat("b"), 12.0)
    view = view_of(observation, 12.5)
    assert agents(view) == ["a", "b"]
    assert view.snapshot.silent_s("b", 12.5) == 0.5
    assert view.snapshot.silent_s("a", 12.5) is None


def test_neither_load_nor_nonsense_makes_another_view_but_a_first_heartbeat_does() -> None:
    observation = observed(presence("a"), state(Mode.HA))
    gist = view_of(observation, 10.2).gist
    observation.add(heartbeat("a"), 11.0)
    heard = view_of(observation, 11.0).gist
    assert heard != gist
    observation.add(heartbeat("a", 2, queue=7), 11.5)
    assert view_of(observation, 11.5).gist == heard
    observation.add(Message(TOPICS.heartbeat("a"), b"nonsense"), 11.55)
    assert view_of(observation, 11.55).gist == heard
    observation.add(state(Mode.HT), 11.6)
    assert view_of(observation, 11.6).gist != heard


def test_without_the_broker_the_past_is_shown_with_the_reason() -> None:
    observation = observed(presence("a"))
    view_of(observation, 10.2)
    observation.lost("nothing listens there")
    view = view_of(observation, 20.0)
    assert (agents(view), view.trouble) == (["a"], "nothing listens there")


def test_with_the_broker_back_all_is_read_afresh_and_the_cleared_are_gone() -> None:
    observation = observed(presence("a"), presence("b"))
    view_of(observation, 10.2)
    observation.lost("gone")
    observation.opened()
    observation.add(presence("b"), 30.0)
    assert agents(view_of(observation, 30.0)) == ["a", "b"]  # not yet whole: the past still holds
    observation.add(Message(MARKER, b"marker"), 30.0)
    view = view_of(observation, 30.0 + QUIET_S)
    assert (agents(view), view.trouble) == (["b"], "")


# On a bus.


def test_it_shows_what_is_there_and_then_what_changes() -> None:
    bus = FakeBus(retained=[presence("a"), heartbeat("a")])
    with ClusterObserver(bus, TOPICS) as observer:
        assert agents(observer.wait(60.0)) == ["a"]
        bus.links[0].deliver(presence("b"))
        assert agents(observer.wait(60.0)) == ["a", "b"]
    assert not bus.links[0].is_open


def test_without_a_change_it_shows_the_same_in_time() -> None:
    bus = FakeBus(retained=[presence("a")])
    with ClusterObserver(bus, TOPICS) as observer:
        first = observer.wait(60.0)
        bus.links[0].deliver(heartbeat("stranger"))
        assert observer.wait(0.01) == first


def test_a_broker_that_goes_away_is_told_and_taken_up_again_when_it_is_back() -> None:
    bus = FakeBus(retained=[presence("a")])
    with ClusterObserver(bus, TOPICS) as observer:
        observer.wait(60.0)
        bus.refusals = [Closed(CloseReason.UNREACHABLE, "nothing listens there")]
        bus.links[0].end(Closed(CloseReason.LOST, "the connection broke"))
        view = observer.wait(60.0)
        assert (agents(view), view.trouble) == (["a"], "the connection broke")
        assert observer.wait(60.0).trouble == "nothing listens there"
        bus.retained = [presence("b")]
        view = observer.wait(60.0)
        assert (agents(view), view.trouble) == (["b"], "")
    assert [link.is_open for link in bus.links] == [False, False, False]


@pytest.mark.parametrize(
    ("closed", "error"),
    [
        (Closed(CloseReason.UNREACHABLE, "nothing listens"), BrokerUnreachable),
        (Closed(CloseReason.REFUSED, "bad password"), BrokerRefused),
    ],
)
def test_a_broker_that_cannot_be_used_at_first_is_an_error(
    closed: Closed, error: type[Exception]
) -> None:
    with (
        ClusterObserver(FakeBus(refusals=[closed]), TOPICS) as observer,
        pytest.raises(error, match=closed.detail),
    ):
        observer.wait(60.0)


def test_a_broker_that_refuses_us_later_is_an_error_too() -> None:
    bus = FakeBus(retained=[presence("a")])
    with ClusterObserver(bus, TOPICS) as observer:
        observer.wait(60.0)
        bus.refusals = [Closed(CloseReason.REFUSED, "bad password")]
        bus.links[0].end(Closed(CloseReason.LOST, "broke"))
        observer.wait(60.0)
        with pytest.raises(BrokerRefused, match="bad password"):
            observer.wait(60.0)


def test_a_broker_that_does_not_let_us_read_is_an_error() -> None:
    bus = FakeBus(subscribe_reason=0x87)
    with (
        ClusterObserver(bus, TOPICS) as observer,
        pytest.raises(BrokerRefused, match="does not let us read"),
    ):
        observer.wait(60.0)


def test_a_broker_that_is_mute_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeLink, "subscribe", lambda *_arguments, **_named: None)
    with (
        ClusterObserver(FakeBus(), TOPICS, timeout_s=0.01) as observer,
        pytest.raises(BrokerUnreachable, match="did not answer within"),
    ):
        observer.wait(60.0)


# What else is listened to.


def test_what_comes_on_further_topics_is_given_with_its_moment() -> None:
    bus = FakeBus(retained=[presence("a")])
    heard: list[tuple[Message, float]] = []

    def hear(message: Message, now_s: float) -> None:
        heard.append((message, now_s))

    with ClusterObserver(bus, TOPICS, also=[TOPICS.adopt("+")], heard=hear) as observer:
        observer.wait(60.0)
        adoption = Message(TOPICS.adopt("a"), b"marker")
        bus.links[0].deliver(adoption)
        bus.links[0].deliver(presence("b"))
        observer.wait(60.0)
    # All but our own marker; those of the cluster come there, too.
    assert adoption in [message for message, _ in heard]
    assert all(message.payload != b"marker" or message is adoption for message, _ in heard)
    assert all(now_s > 0 for _, now_s in heard)
    assert [each.qos for each in bus.links[0].subscriptions if "adopt" in each.topic_filter] == [0]


def test_further_topics_that_we_may_not_read_leave_the_rest_as_it_is() -> None:
    class Stingy(FakeBus):
        """Accepts the first subscription, and no other."""

        def open(self, options: LinkOptions, sink: Sink) -> FakeLink:
            def refuse_from_now_on(event: LinkEvent) -> None:
                sink(event)
                if isinstance(event, Confirmed):
                    self.subscribe_reason = 0x87

            return super().open(options, refuse_from_now_on)

    bus = Stingy(retained=[presence("a")])
    with ClusterObserver(bus, TOPICS, also=[TOPICS.adopt("+")]) as observer:
        assert agents(observer.wait(60.0)) == ["a"]
        bus.links[0].deliver(presence("b"))
        assert agents(observer.wait(60.0)) == ["a", "b"]
    assert bus.subscribe_reason == 0x87
