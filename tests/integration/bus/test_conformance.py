"""What both buses must do alike: each test runs on the model and on a real Mosquitto."""

from collections.abc import Iterable

import pytest

from fluid.bus import (
    Closed,
    CloseReason,
    Confirmed,
    Delivered,
    Message,
    Opened,
    Subscription,
)
from fluid.bus.protocol import REASON_NO_MATCHING_SUBSCRIBERS
from tests.integration.bus.conftest import Cluster
from tests.recorder import Recorder

# Before 2.0.15 Mosquitto closes the socket of a client that is taken over without a word.
TAKEN_OVER = (CloseReason.TAKEN_OVER, CloseReason.LOST)

KEPT = {"session_expiry_s": 300, "manual_ack": True}
RESUMED = {**KEPT, "clean_start": False}


def numbered(topic: str, numbers: Iterable[int]) -> list[Message]:
    return [Message(topic, str(number).encode(), qos=1) for number in numbers]


def publish_all(publisher: Recorder, messages: list[Message]) -> None:
    for message in messages:
        assert publisher.publish(message).accepted


def seen(deliveries: list[Delivered]) -> list[tuple[int, bool]]:
    """The number in each payload, and whether it came as a duplicate."""
    return [(int(each.message.payload), each.duplicate) for each in deliveries]


class TestMessages:
    def test_arrives_with_all_its_properties(self, cluster: Cluster) -> None:
        sent = Message(
            topic=cluster.topic("images/7"),
            payload=bytes(range(256)),
            qos=1,
            response_topic="answers/here",
            correlation=b"\x00\xff id",
            user_properties=(("a", "1"), ("a", "2"), ("ß", "")),
            expiry_s=600,
        )
        client = cluster.opened("client")
        client.subscribe(Subscription(cluster.topic("images/+"), identifier=9))
        assert client.publish(sent) == Confirmed(token=2, reason=0)
        [arrived] = client.delivered(1)
        assert arrived.message == sent
        assert arrived.subscription_ids == (9,)
        assert arrived.ack_id > 0
        assert not arrived.duplicate

    def test_qos_is_the_lower_of_publication_and_subscription(self, cluster: Cluster) -> None:
        client = cluster.opened("client")
        client.subscribe(Subscription(cluster.topic("low"), qos=0))
        client.subscribe(Subscription(cluster.topic("high"), qos=1))
        for name in ("low", "high"):
            client.publish(Message(cluster.topic(name), b"", qos=1))
            client.link.publish(Message(cluster.topic(name), b"", qos=0))
        arrived = client.delivered(4)
        assert [each.message.qos for each in arrived] == [0, 0, 1, 0]
        assert [each.ack_id > 0 for each in arrived] == [False, False, True, False]

    @pytest.mark.parametrize(
        ("topic_filter", "topic", "matching"),
        [
            ("a/#", "a", True),
            ("a/#", "a/b/c", True),
            ("a/#", "ab", False),
            ("a/+", "a/b", True),
            ("a/+", "a", False),
            ("a/+", "a/b/c", False),
            ("a/+", "a/", True),
            ("+/b", "a/b", True),
            ("a/+/c", "a/b/c", True),
            ("a", "a", True),
            ("a", "a/b", False),
        ],
    )
    def test_matches_filters(
        self, cluster: Cluster, topic_filter: str, topic: str, *, matching: bool
    ) -> None:
        client = cluster.opened("client")
        client.subscribe(Subscription(cluster.topic(topic_filter)))
        client.publish(Message(cluster.topic(topic), b"", qos=1))
        assert len(client.all_until_now()) == matching

    def test_publisher_learns_that_nobody_listens(self, cluster: Cluster) -> None:
        client = cluster.opened("client")
        nobody = Confirmed(token=1, reason=REASON_NO_MATCHING_SUBSCRIBERS)
        assert client.publish(Message(cluster.topic("x"), b"", qos=1)) == nobody
        client.subscribe(Subscription(cluster.topic("x")))
        assert client.publish(Message(cluster.topic("x"), b"", qos=1)).reason == 0
        client.unsubscribe(cluster.topic("x"))
        reason = client.publish(Message(cluster.topic("x"), b"", qos=1)).reason
        assert reason == REASON_NO_MATCHING_SUBSCRIBERS

    def test_overlapping_subscriptions_bring_one_copy_each(self, cluster: Cluster) -> None:
        """So a device that changes from one to the other can tell what brought a request."""
        client = cluster.opened("client")
        client.subscribe(
            Subscription(cluster.share("x/#"), identifier=1),
            Subscription(cluster.topic("x/#"), identifier=2),
        )
        client.publish(Message(cluster.topic("x/1"), b"", qos=1))
        arrived = client.all_until_now()
        assert sorted(each.subscription_ids for each in arrived) == [(1,), (2,)]

    def test_answers_carry_the_worst_reason(self, cluster: Cluster) -> None:
        client = cluster.opened("client")
        granted = client.subscribe(
            Subscription(cluster.topic("a"), qos=1, identifier=1),
            Subscription(cluster.topic("b"), qos=0, identifier=2),
        )
        assert granted.reason == 1
        assert client.unsubscribe(cluster.topic("a")).reason == 0
        no_subscription_existed = 0x11
        gone = client.unsubscribe(cluster.topic("a"), cluster.topic("b"))
        assert gone.reason == no_subscription_existed
        assert gone.accepted


class TestRetained:
    def test_is_sent_to_a_later_subscriber_and_marked(self, cluster: Cluster) -> None:
        client = cluster.opened("client")
        client.publish(Message(cluster.topic("state"), b"old", qos=1, retain=True))
        client.publish(Message(cluster.topic("state"), b"new", qos=1, retain=True))
        client.subscribe(Subscription(cluster.topic("#"), identifier=3))
        [arrived] = client.all_until_now()
        assert arrived.message == Message(cluster.topic("state"), b"new", qos=1, retain=True)
        assert arrived.subscription_ids == (3,)

    def test_is_not_sent_if_not_wanted(self, cluster: Cluster) -> None:
        client = cluster.opened("client")
        client.publish(Message(cluster.topic("state"), b"", qos=1, retain=True))
        client.publish(Message(cluster.topic("state"), b"x", qos=1, retain=True))
        client.subscribe(
            Subscription(cluster.topic("#"), send_retained=False),
            Subscription(cluster.share("#"), send_retained=False),
        )
        assert client.all_until_now() == []

    def test_is_cleared_by_an_empty_payload(self, cluster: Cluster) -> None:
        client = cluster.opened("client")
        client.publish(Message(cluster.topic("state"), b"x", qos=1, retain=True))
        client.publish(Message(cluster.topic("state"), b"", qos=1, retain=True))
        client.subscribe(Subscription(cluster.topic("#")))
        assert client.all_until_now() == []

    @pytest.mark.parametrize("shared", [False, True])
    @pytest.mark.parametrize("as_published", [False, True])
    def test_flag_reaches_present_subscribers_as_they_asked(
        self, cluster: Cluster, *, shared: bool, as_published: bool
    ) -> None:
        client = cluster.opened("client")
        topic_filter = cluster.share("#") if shared else cluster.topic("#")
        client.subscribe(Subscription(topic_filter, retain_as_published=as_published))
        client.publish(Message(cluster.topic("state"), b"x", qos=1, retain=True))
        [arrived] = client.all_until_now()
        assert arrived.message.retain == as_published


class TestNoLocal:
    def test_what_a_client_publishes_reaches_others_but_not_itself(self, cluster: Cluster) -> None:
        client, other = cluster.opened("client"), cluster.opened("other")
        for each in (client, other):
            each.subscribe(Subscription(cluster.topic("said"), no_local=True))
        client.publish(Message(cluster.topic("said"), b"x", qos=1))
        assert [each.message.payload for each in other.all_until_now()] == [b"x"]
        assert client.all_until_now() == []


class TestClosing:
    def test_ends_with_closed_and_drops_later_calls(self, cluster: Cluster) -> None:
        watcher = cluster.opened("watcher")
        watcher.subscribe(Subscription(cluster.topic("#")))
        client = cluster.opened("client")
        client.link.publish(Message(cluster.topic("x"), b"before", qos=1))
        client.link.close()
        client.link.close(send_will=True)
        client.link.publish(Message(cluster.topic("x"), b"after", qos=1), token=5)
        assert client.closed() == Closed(CloseReason.REQUESTED)
        client.link.subscribe([Subscription("x")], token=6)
        client.link.unsubscribe(["x"], token=7)
        client.link.ack(1)
        assert [each.message.payload for each in watcher.all_until_now()] == [b"before"]
        assert client.is_quiet()

    def test_before_opened_is_possible(self, cluster: Cluster) -> None:
        client = cluster.open("client")
        client.link.close()
        assert client.closed() == Closed(CloseReason.REQUESTED)

    def test_keeps_the_session_unless_told_to_end_it(self, cluster: Cluster) -> None:
        topic = cluster.topic("x")
        publisher = cluster.opened("publisher")
        client = cluster.opened("client", **KEPT)
        client.subscribe(Subscription(topic))
        client.link.close()
        client.closed()
        assert publisher.publish(Message(topic, b"", qos=1)).reason == 0
        again = cluster.open("client", **RESUMED)
        assert again.opened() == Opened(session_present=True)
        again.link.close(end_session=True)
        again.closed()
        reason = publisher.publish(Message(topic, b"", qos=1)).reason
        assert reason == REASON_NO_MATCHING_SUBSCRIBERS
        last = cluster.open("client", **RESUMED)
        assert last.opened() == Opened(session_present=False)


class TestWill:
    @pytest.fixture
    def will(self, cluster: Cluster) -> Message:
        return Message(
            cluster.topic("will"),
            b"gone",
            qos=1,
            retain=True,
            correlation=b"c",
            user_properties=(("a", "b"),),
        )

    @pytest.fixture
    def watcher(self, cluster: Cluster) -> Recorder:
        watcher = cluster.opened("watcher")
        watcher.subscribe(Subscription(cluster.topic("will"), retain_as_published=True))
        return watcher

    def test_is_published_when_the_client_dies(
        self, cluster: Cluster, watcher: Recorder, will: Message
    ) -> None:
        client = cluster.opened("client", will=will)
        cluster.kill(client)
        assert client.closed().reason is CloseReason.LOST
        assert [each.message for each in watcher.delivered(1)] == [will]

    def test_is_not_published_when_the_client_closes(
        self, cluster: Cluster, watcher: Recorder, will: Message
    ) -> None:
        client = cluster.opened("client", will=will)
        client.link.close()
        client.closed()
        assert watcher.all_until_now() == []

    def test_is_published_when_the_client_asks_for_it(
        self, cluster: Cluster, watcher: Recorder, will: Message
    ) -> None:
        client = cluster.opened("client", will=will)
        client.link.close(send_will=True)
        assert client.closed() == Closed(CloseReason.REQUESTED)
        assert [each.message for each in watcher.delivered(1)] == [will]

    def test_is_published_when_the_session_ends_by_a_takeover(
        self, cluster: Cluster, watcher: Recorder, will: Message
    ) -> None:
        first = cluster.opened("client", will=will, **KEPT)
        second = cluster.open("client", clean_start=True)
        assert second.opened() == Opened(session_present=False)
        assert first.closed().reason in TAKEN_OVER
        assert [each.message for each in watcher.delivered(1)] == [will]


class TestSession:
    def test_resumes_with_unacknowledged_messages_first(self, cluster: Cluster) -> None:
        topic = cluster.topic("x")
        publisher = cluster.opened("publisher")
        client = cluster.opened("client", **KEPT)
        client.subscribe(Subscription(topic, identifier=4))
        publish_all(publisher, numbered(topic, range(4)))
        arrived = client.delivered(4)
        client.link.ack(arrived[1].ack_id)
        client.all_until_now()  # so the broker has read the acknowledgement
        cluster.kill(client)
        client.closed()
        publish_all(publisher, numbered(topic, range(4, 7)))
        again = cluster.open("client", **RESUMED)
        assert again.next() == Opened(session_present=True)
        resumed = again.delivered(6)
        assert seen(resumed) == [
            (0, True), (2, True), (3, True), (4, False), (5, False), (6, False),
        ]  # fmt: skip
        assert all(each.subscription_ids == (4,) for each in resumed)

    def test_keeps_identifiers_of_shared_subscriptions(self, cluster: Cluster) -> None:
        topic = cluster.topic("x")
        publisher = cluster.opened("publisher")
        client = cluster.opened("client", **KEPT)
        client.subscribe(Subscription(cluster.share("x"), identifier=8))
        publish_all(publisher, numbered(topic, [0]))
        client.delivered(1)
        cluster.kill(client)
        client.closed()
        publish_all(publisher, numbered(topic, [1]))
        resumed = cluster.opened("client", **RESUMED).delivered(2)
        assert seen(resumed) == [(0, True), (1, False)]
        assert all(each.subscription_ids == (8,) for each in resumed)

    def test_does_not_send_again_what_was_acknowledged_by_itself(self, cluster: Cluster) -> None:
        topic = cluster.topic("x")
        client = cluster.opened("client", session_expiry_s=300)
        client.subscribe(Subscription(topic))
        publish_all(client, numbered(topic, range(3)))
        assert client.payloads(3) == [b"0", b"1", b"2"]
        client.all_until_now()
        client.link.close()
        client.closed()
        again = cluster.open("client", clean_start=False)
        assert again.opened() == Opened(session_present=True)
        assert again.all_until_now() == []

    def test_does_not_keep_qos_0_while_offline(self, cluster: Cluster) -> None:
        topic = cluster.topic("x")
        publisher = cluster.opened("publisher")
        client = cluster.opened("client", **KEPT)
        client.subscribe(Subscription(topic))
        client.link.close()
        client.closed()
        publisher.link.publish(Message(topic, b"0", qos=0))
        publish_all(publisher, numbered(topic, [1]))
        assert seen(cluster.opened("client", **RESUMED).all_until_now()) == [(1, False)]

    def test_ends_with_the_connection_without_an_expiry(self, cluster: Cluster) -> None:
        client = cluster.opened("client", session_expiry_s=0)
        client.subscribe(Subscription(cluster.topic("x")))
        cluster.kill(client)
        client.closed()
        again = cluster.open("client", clean_start=False)
        assert again.opened() == Opened(session_present=False)

    def test_clean_start_forgets_it(self, cluster: Cluster) -> None:
        client = cluster.opened("client", **KEPT)
        client.subscribe(Subscription(cluster.topic("x")))
        client.link.close()
        client.closed()
        again = cluster.open("client", clean_start=True)
        assert again.opened() == Opened(session_present=False)
        reason = again.publish(Message(cluster.topic("x"), b"", qos=1)).reason
        assert reason == REASON_NO_MATCHING_SUBSCRIBERS

    def test_outlives_an_orderly_restart_of_the_broker(self, cluster: Cluster) -> None:
        topic = cluster.topic("x")
        client = cluster.opened("client", **RESUMED)
        will = Message(topic, b"9", qos=1)
        other = cluster.opened("other", will=will)
        client.subscribe(Subscription(topic))
        client.publish(Message(cluster.topic("state"), b"kept", qos=1, retain=True))
        publish_all(client, numbered(topic, [1]))
        client.delivered(1)
        cluster.restart()
        assert client.closed().reason is CloseReason.LOST
        assert other.closed().reason is CloseReason.LOST
        again = cluster.open("client", **RESUMED)
        assert again.opened() == Opened(session_present=True)
        again.subscribe(Subscription(cluster.topic("state")))
        payloads = [each.message.payload for each in again.all_until_now()]
        assert payloads == [b"1", b"9", b"kept"]


class TestReceiveMaximum:
    @pytest.mark.parametrize("receive_maximum", [1, 3])
    def test_bounds_what_is_unacknowledged(self, cluster: Cluster, receive_maximum: int) -> None:
        topic = cluster.topic("x")
        publisher = cluster.opened("publisher")
        client = cluster.opened("client", receive_maximum=receive_maximum, manual_ack=True)
        client.subscribe(Subscription(topic))
        publish_all(publisher, numbered(topic, range(8)))
        assert len(client.all_until_now()) == receive_maximum

    def test_lets_one_more_through_for_each_acknowledgement(self, cluster: Cluster) -> None:
        """With a window of one: Mosquitto before 2.0.13 lets too many through a wider one."""
        topic = cluster.topic("x")
        publisher = cluster.opened("publisher")
        client = cluster.opened("client", receive_maximum=1, manual_ack=True)
        client.subscribe(Subscription(topic))
        publish_all(publisher, numbered(topic, range(4)))
        for number in range(4):
            [arrived] = client.all_until_now()
            assert seen([arrived]) == [(number, False)]
            client.link.ack(arrived.ack_id)
        assert client.all_until_now() == []

    def test_does_not_hold_back_qos_0(self, cluster: Cluster) -> None:
        topic = cluster.topic("x")
        client = cluster.opened("client", receive_maximum=1, manual_ack=True)
        client.subscribe(Subscription(topic))
        publish_all(client, numbered(topic, range(3)))
        client.link.publish(Message(topic, b"9", qos=0))
        assert seen(client.all_until_now()) == [(0, False), (9, False)]


class TestSharedSubscription:
    def test_gives_each_message_to_one_member_in_turn(self, cluster: Cluster) -> None:
        publisher = cluster.opened("publisher")
        members = [cluster.opened(f"member{number}") for number in range(3)]
        for member in members:
            member.subscribe(Subscription(cluster.share("x/#")))
        publish_all(publisher, numbered(cluster.topic("x"), range(6)))
        assert [member.payloads(2) for member in members] == [
            [b"0", b"3"], [b"1", b"4"], [b"2", b"5"],
        ]  # fmt: skip
        assert all(member.all_until_now() == [] for member in members)

    def test_gives_every_group_a_copy(self, cluster: Cluster) -> None:
        one, other = cluster.opened("one"), cluster.opened("other")
        one.subscribe(Subscription(f"$share/one/{cluster.topic('x')}"))
        other.subscribe(Subscription(f"$share/other/{cluster.topic('x')}"))
        publish_all(one, numbered(cluster.topic("x"), range(2)))
        assert one.payloads(2) == other.payloads(2) == [b"0", b"1"]

    def test_goes_on_giving_to_a_member_that_is_away(self, cluster: Cluster) -> None:
        """What an adopter finds in a dead device's session; at QoS 0 its turns are lost."""
        topic = cluster.topic("x")
        publisher = cluster.opened("publisher")
        here = cluster.opened("here")
        away = cluster.opened("away", **KEPT)
        for member in (away, here):
            member.subscribe(Subscription(cluster.share("x")))
        cluster.kill(away)
        away.closed()
        publish_all(publisher, numbered(topic, range(4)))
        assert seen(here.all_until_now()) == [(1, False), (3, False)]
        for number in range(4, 8):
            publisher.link.publish(Message(topic, str(number).encode(), qos=0))
        publisher.all_until_now()  # so the broker has read them all
        assert seen(here.all_until_now()) == [(5, False), (7, False)]
        back = cluster.opened("away", **RESUMED)
        assert seen(back.all_until_now()) == [(0, False), (2, False)]

    def test_leaving_it_keeps_what_it_had_brought(self, cluster: Cluster) -> None:
        topic = cluster.topic("x")
        publisher = cluster.opened("publisher")
        client = cluster.opened("client", receive_maximum=1, manual_ack=True)
        client.subscribe(Subscription(cluster.share("x")))
        publish_all(publisher, numbered(topic, range(3)))
        assert client.unsubscribe(cluster.share("x")).reason == 0
        reason = publisher.publish(Message(topic, b"3", qos=1)).reason
        assert reason == REASON_NO_MATCHING_SUBSCRIBERS
        for number in range(3):
            [arrived] = client.delivered(1)
            assert seen([arrived]) == [(number, False)]
            client.link.ack(arrived.ack_id)
        assert client.all_until_now() == []


class TestTakeover:
    def test_hands_over_the_session(self, cluster: Cluster) -> None:
        topic = cluster.topic("x")
        publisher = cluster.opened("publisher")
        first = cluster.opened("client", receive_maximum=2, **KEPT)
        first.subscribe(Subscription(topic, identifier=5))
        publish_all(publisher, numbered(topic, range(4)))
        assert len(first.delivered(2)) == 2
        second = cluster.open("client", receive_maximum=2, **RESUMED)
        assert second.next() == Opened(session_present=True)
        assert first.closed().reason in TAKEN_OVER
        for number, duplicate in enumerate((True, True, False, False)):
            [arrived] = second.delivered(1)
            assert seen([arrived]) == [(number, duplicate)]
            assert arrived.subscription_ids == (5,)
            second.link.ack(arrived.ack_id)

    def test_marker_to_oneself_comes_after_all_that_was_queued(self, cluster: Cluster) -> None:
        """How an adopter knows that it has seen all of a dead device's requests."""
        topic, marker = cluster.topic("x"), cluster.topic("marker")
        publisher = cluster.opened("publisher")
        first = cluster.opened("client", receive_maximum=3, **KEPT)
        first.subscribe(Subscription(topic))
        publish_all(publisher, numbered(topic, range(10)))
        second = cluster.opened("client", receive_maximum=3, **RESUMED)
        second.subscribe(Subscription(marker))
        assert second.publish(Message(marker, b"", qos=1)).reason == 0
        order: list[Message] = []
        while not order or order[-1].topic != marker:
            [arrived] = second.delivered(1)
            order.append(arrived.message)
            second.link.ack(arrived.ack_id)
        assert [message.payload for message in order[:-1]] == [
            str(number).encode() for number in range(10)
        ]

    def test_reaches_a_hung_client_when_it_goes_on(self, cluster: Cluster) -> None:
        topic = cluster.topic("x")
        publisher = cluster.opened("publisher")
        hung = cluster.opened("client", **KEPT)
        hung.subscribe(Subscription(topic))
        cluster.silence(hung)
        publish_all(publisher, numbered(topic, [0]))
        adopter = cluster.open("client", **RESUMED)
        assert adopter.opened() == Opened(session_present=True)
        [adopted] = adopter.delivered(1)
        assert seen([adopted]) == [(0, True)]
        hung.link.publish(Message(topic, b"1", qos=1))
        cluster.revive(hung)
        assert isinstance(hung.next(), Delivered)
        assert hung.closed().reason in TAKEN_OVER
        adopter.link.ack(adopted.ack_id)
        assert adopter.all_until_now() == []
