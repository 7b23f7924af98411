"""What only the model can do: faults on demand, time, and deliveries one by one.

That it behaves like a broker otherwise is shown by tests/integration/bus/test_conformance.py.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from fluid.bus import (
    Closed,
    CloseReason,
    Confirmed,
    Delivered,
    Link,
    LinkEvent,
    LinkOptions,
    Message,
    Opened,
    Subscription,
)
from fluid.bus.memory import MOSQUITTO_2_0_11, STANDARD, MemoryBroker, MemoryBus, Quirks
from tests.recorder import TIMEOUT_S

KEPT: dict[str, Any] = {"session_expiry_s": 100, "manual_ack": True}
RESUMED = {**KEPT, "clean_start": False}


class Client:
    """A link whose events are collected in a list."""

    def __init__(self, broker: MemoryBroker, client_id: str = "client", **options: Any) -> None:
        self.heard: list[LinkEvent] = []
        given = LinkOptions(client_id, **options)
        self.link: Link = MemoryBus(broker).open(given, self.heard.append)

    def subscribe(self, *topic_filters: str) -> None:
        self.link.subscribe([Subscription(each) for each in topic_filters])

    def publish(self, topic: str, payload: bytes = b"", *, qos: int = 1) -> None:
        self.link.publish(Message(topic, payload, qos=qos))

    def take(self) -> list[LinkEvent]:
        """What was heard since the last call."""
        heard, self.heard[:] = list(self.heard), []
        return heard

    def payloads(self) -> list[bytes]:
        return [each.message.payload for each in self.take() if isinstance(each, Delivered)]


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker()


class TestDelivery:
    def test_is_done_when_the_call_returns(self, broker: MemoryBroker) -> None:
        client = Client(broker)
        client.subscribe("a")
        client.link.publish(Message("a", b"x", qos=1), token=4)
        arrived = Delivered(Message("a", b"x", qos=1), ack_id=1)
        assert client.heard == [Opened(session_present=False), arrived, Confirmed(4)]

    def test_is_never_inside_another_sink(self, broker: MemoryBroker) -> None:
        inside = 0
        order = []

        def sink(event: LinkEvent) -> None:
            nonlocal inside
            assert inside == 0
            inside += 1
            if isinstance(event, Delivered):
                level = int(event.message.payload)
                order.append(level)
                if level < 3:
                    for _ in range(2):
                        link.publish(Message("a", str(level + 1).encode()))
            inside -= 1

        link = MemoryBus(broker).open(LinkOptions("client"), sink)
        link.subscribe([Subscription("a", qos=0)])
        link.publish(Message("a", b"1"))
        assert order == [1, 2, 2, 3, 3, 3, 3]

    def test_goes_on_after_a_sink_that_raised(self, broker: MemoryBroker) -> None:
        def sink(_event: LinkEvent) -> None:
            raise RuntimeError("a broken sink")

        with pytest.raises(RuntimeError, match="a broken sink"):
            MemoryBus(broker).open(LinkOptions("broken"), sink)
        assert Client(broker).heard == [Opened(session_present=False)]

    def test_from_many_threads_is_in_order_and_complete(self, broker: MemoryBroker) -> None:
        heard: queue.SimpleQueue[LinkEvent] = queue.SimpleQueue()
        receiver = MemoryBus(broker).open(LinkOptions("receiver"), heard.put)
        receiver.subscribe([Subscription("#")])
        assert heard.get(timeout=TIMEOUT_S) == Opened(session_present=False)

        def publish(name: str) -> None:
            client = Client(broker, name)
            for number in range(100):
                client.publish(name, str(number).encode())

        threads = [threading.Thread(target=publish, args=(f"t{index}",)) for index in range(4)]
        for thread in threads:
            thread.start()
        numbers: dict[str, list[int]] = {}
        for _ in range(400):
            event = heard.get(timeout=TIMEOUT_S)
            assert isinstance(event, Delivered)
            numbers.setdefault(event.message.topic, []).append(int(event.message.payload))
        for thread in threads:
            thread.join()
        assert sorted(numbers) == ["t0", "t1", "t2", "t3"]
        assert all(each == list(range(100)) for each in numbers.values())

    def test_can_be_left_to_a_scheduler(self, broker: MemoryBroker) -> None:
        waiting: dict[str, deque[Callable[[], None]]] = {}

        def schedule(client_id: str, deliver: Callable[[], None]) -> None:
            waiting.setdefault(client_id, deque()).append(deliver)

        bus = MemoryBus(broker, schedule=schedule)
        heard: list[LinkEvent] = []
        link = bus.open(LinkOptions("client", receive_maximum=1), heard.append)
        link.subscribe([Subscription("a")])
        other = Client(broker, "other")
        other.publish("a", b"1")
        other.publish("a", b"2")
        assert heard == []
        assert len(waiting["client"]) == 2  # Opened, and what the window lets through
        for _ in range(2):
            waiting["client"].popleft()()
        assert heard[0] == Opened(session_present=False)
        assert isinstance(heard[1], Delivered)
        assert heard[1].message.payload == b"1"
        # The client acknowledges what it hears: only now is there room for the second.
        assert len(waiting["client"]) == 1
        assert "other" not in waiting

    def test_acknowledges_by_itself_only_what_was_heard(self, broker: MemoryBroker) -> None:
        scheduled: list[Callable[[], None]] = []
        bus = MemoryBus(broker, schedule=lambda _client_id, deliver: scheduled.append(deliver))
        link = bus.open(LinkOptions("client", session_expiry_s=9), lambda _event: None)
        link.subscribe([Subscription("a")])
        Client(broker, "other").publish("a")
        assert broker.backlog("client") == 1
        for deliver in scheduled:
            deliver()
        assert broker.backlog("client") == 0

    def test_illegal_calls_raise(self, broker: MemoryBroker) -> None:
        client = Client(broker)
        with pytest.raises(ValueError, match="wildcard"):
            client.publish("a/+")
        with pytest.raises(ValueError, match="at least one"):
            client.subscribe()
        with pytest.raises(ValueError, match="as its last level"):
            client.link.unsubscribe(["#/a"])
        with pytest.raises(ValueError, match="wildcard"):
            Client(broker, "other", will=Message("a/#", b""))
        assert client.heard == [Opened(session_present=False)]


class TestFaults:
    def test_kill_needs_a_connected_client(self, broker: MemoryBroker) -> None:
        with pytest.raises(LookupError, match="'client' is not connected"):
            broker.kill("client")
        client = Client(broker)
        client.link.close()
        with pytest.raises(LookupError, match="'client' is not connected"):
            broker.kill("client")

    def test_silent_client_neither_hears_nor_speaks_until_it_is_revived(
        self, broker: MemoryBroker
    ) -> None:
        silent, other = Client(broker, "silent"), Client(broker, "other")
        silent.subscribe("a")
        other.subscribe("b")
        silent.take()
        other.take()
        broker.silence("silent")
        other.publish("a", b"1", qos=0)
        other.publish("a", b"2")
        silent.publish("b", b"3")
        assert silent.take() == other.take() == []
        broker.revive("silent")
        assert silent.payloads() == [b"1", b"2"]
        assert other.payloads() == [b"3"]
        other.publish("a", b"4")
        assert silent.payloads() == [b"4"]

    def test_keepalive_ends_a_silent_client_which_hears_of_it_later(
        self, broker: MemoryBroker
    ) -> None:
        watcher = Client(broker, "watcher")
        watcher.subscribe("#")
        silent = Client(broker, "silent", will=Message("will", b"gone", qos=1))
        silent.subscribe("a")
        broker.silence("silent")
        watcher.publish("a", b"1")
        broker.expire_keepalive("silent")
        assert watcher.payloads() == [b"1", b"gone"]
        silent.publish("b", b"never sent")
        assert silent.take() == [Opened(session_present=False)]
        broker.revive("silent")
        assert silent.take()[-1] == Closed(CloseReason.LOST)
        assert watcher.payloads() == []

    def test_revived_client_hears_what_had_arrived_before_what_is_on_its_way(
        self, broker: MemoryBroker
    ) -> None:
        scheduled: deque[Callable[[], None]] = deque()
        bus = MemoryBus(broker, schedule=lambda _client_id, deliver: scheduled.append(deliver))
        heard: list[LinkEvent] = []
        link = bus.open(LinkOptions("silent"), heard.append)
        link.subscribe([Subscription("a", qos=0)])
        other = Client(broker, "other")
        broker.silence("silent")
        other.publish("a", b"1")
        while scheduled:
            scheduled.popleft()()  # arrives, but is not heard
        other.publish("a", b"2")
        broker.revive("silent")
        scheduled.popleft()()
        assert [e.message.payload for e in heard if isinstance(e, Delivered)] == [b"1", b"2"]

    @pytest.mark.parametrize("quirks", [STANDARD, MOSQUITTO_2_0_11])
    def test_takeover_of_a_silent_client_gives_its_messages_to_the_other(
        self, quirks: Quirks
    ) -> None:
        broker = MemoryBroker(quirks)
        hung = Client(broker, **RESUMED)
        hung.subscribe("a")
        broker.silence("client")
        Client(broker, "other").publish("a", b"1")
        adopter = Client(broker, **RESUMED)
        assert adopter.heard == [
            Opened(session_present=True),
            Delivered(Message("a", b"1", qos=1), ack_id=1, duplicate=True),
        ]
        hung.link.ack(1)
        broker.revive("client")
        expected = CloseReason.LOST if quirks.silent_takeover else CloseReason.TAKEN_OVER
        assert hung.heard[1:] == [
            Delivered(Message("a", b"1", qos=1), ack_id=1), Closed(expected),
        ]  # fmt: skip
        assert broker.backlog("client") == 1  # the acknowledgement went nowhere

    @pytest.mark.parametrize("resumed", [False, True])
    def test_will_of_a_client_that_is_taken_over_comes_before_the_new_connection(
        self, broker: MemoryBroker, *, resumed: bool
    ) -> None:
        order: list[str] = []
        bus = MemoryBus(broker)

        def note(name: str) -> Callable[[LinkEvent], None]:
            return lambda event: order.append(f"{name} {type(event).__name__}")

        bus.open(LinkOptions("watcher"), note("watcher")).subscribe([Subscription("will")])
        will = Message("will", b"", qos=1)
        bus.open(LinkOptions("client", session_expiry_s=9, will=will), note("first"))
        order.clear()
        bus.open(LinkOptions("client", clean_start=not resumed), note("second"))
        assert order == ["first Closed", "watcher Delivered", "second Opened"]


class TestAvailability:
    def test_stopped_broker_is_unreachable_until_it_starts(self, broker: MemoryBroker) -> None:
        client = Client(broker, **RESUMED)
        client.subscribe("a")
        broker.stop(keep_sessions=True)
        assert client.take()[-1] == Closed(CloseReason.LOST)
        [closed] = Client(broker).heard
        assert isinstance(closed, Closed)
        assert closed.reason is CloseReason.UNREACHABLE
        broker.start()
        assert Client(broker, **RESUMED).heard == [Opened(session_present=True)]

    def test_crash_forgets_everything_and_publishes_no_will(self, broker: MemoryBroker) -> None:
        kept = Client(broker, "kept", **RESUMED)
        kept.subscribe("will")
        kept.link.publish(Message("state", b"x", qos=1, retain=True))
        Client(broker, "client", will=Message("will", b"", qos=1))
        broker.restart(keep_sessions=False)
        assert broker.backlog("kept") is None
        assert broker.retained("state") is None
        assert not any(isinstance(event, Delivered) for event in kept.heard)
        assert Client(broker, "kept", **RESUMED).heard == [Opened(session_present=False)]

    def test_crash_goes_back_to_what_was_saved(self, broker: MemoryBroker) -> None:
        other = Client(broker, "other")
        kept = Client(broker, "kept", **RESUMED)
        kept.subscribe("a")
        other.publish("a", b"saved")
        other.link.publish(Message("state", b"saved", qos=1, retain=True))
        broker.save()
        kept.link.ack(1)
        other.publish("a", b"lost")
        other.link.publish(Message("state", b"lost", qos=1, retain=True))
        broker.crash()
        assert not broker.runs
        broker.start()
        assert broker.retained("state") == Message("state", b"saved", qos=1, retain=True)
        again = Client(broker, "kept", **RESUMED)
        assert again.heard == [
            Opened(session_present=True),
            Delivered(Message("a", b"saved", qos=1), ack_id=1, duplicate=True),
        ]

    def test_crash_publishes_no_will_and_keeps_the_presence_that_it_would_have_replaced(
        self, broker: MemoryBroker
    ) -> None:
        will = Message("presence", b"offline", qos=1, retain=True)
        client = Client(broker, "client", will=will)
        client.link.publish(Message("presence", b"online", qos=1, retain=True))
        broker.save()
        broker.crash()
        broker.start()
        stale = broker.retained("presence")
        assert stale is not None
        assert stale.payload == b"online"

    def test_crash_keeps_the_places_in_a_share(self, broker: MemoryBroker) -> None:
        names = ("one", "two")
        for name in names:
            Client(broker, name, **RESUMED).subscribe("$share/g/a")
        broker.save()
        broker.crash()
        broker.start()
        Client(broker, "other").publish("a")
        assert sum(broker.backlog(name) or 0 for name in names) == 1

    def test_crash_of_a_broker_that_has_saved_nothing_forgets_everything(
        self, broker: MemoryBroker
    ) -> None:
        Client(broker, **RESUMED)
        broker.crash()
        assert broker.backlog("client") is None


class TestRoom:
    def test_what_a_session_has_no_room_for_is_dropped_after_it_was_confirmed(self) -> None:
        broker = MemoryBroker(most_waiting=2)
        client = Client(broker, receive_maximum=1, **RESUMED)
        client.subscribe("a")
        other = Client(broker, "other")
        for number in range(5):
            other.link.publish(Message("a", b"%d" % number, qos=1), token=number + 1)
        assert [each for each in other.heard if isinstance(each, Confirmed)] == [
            Confirmed(number + 1) for number in range(5)
        ]
        assert broker.dropped == 2
        assert broker.backlog("client") == 3


class TestKeepalive:
    @staticmethod
    def silent(broker: MemoryBroker, **options: Any) -> Client:
        will = Message("will", b"", qos=1)
        client = Client(broker, "silent", will=will, **options)
        broker.silence("silent")
        return client

    def test_runs_out_after_one_and_a_half_times_of_silence(self, broker: MemoryBroker) -> None:
        watcher = Client(broker, "watcher")
        watcher.subscribe("will")
        client = self.silent(broker, keepalive_s=4)
        watcher.take()
        broker.advance(5.9)
        assert watcher.heard == []
        broker.advance(6.0)
        assert watcher.payloads() == [b""]
        broker.revive("silent")
        assert client.heard[-1] == Closed(CloseReason.LOST)

    def test_is_looked_at_now_and_then_by_mosquitto(self) -> None:
        broker = MemoryBroker(MOSQUITTO_2_0_11)
        watcher = Client(broker, "watcher")
        watcher.subscribe("will")
        broker.advance(6.0)  # it looks now
        self.silent(broker, keepalive_s=5)
        watcher.take()
        died_at_s = None
        for tenth in range(61, 200):
            broker.advance(tenth / 10)
            if died_at_s is None and watcher.payloads():
                died_at_s = tenth / 10 - 6.0
        assert died_at_s is not None
        assert 7.5 <= died_at_s <= 12.5

    def test_goes_on_with_a_client_that_is_heard_again(self, broker: MemoryBroker) -> None:
        client = self.silent(broker, keepalive_s=4)
        broker.advance(5.0)
        broker.revive("silent")
        broker.advance(20.0)
        assert client.heard == [Opened(session_present=False)]

    def test_of_none_never_runs_out(self, broker: MemoryBroker) -> None:
        client = self.silent(broker, keepalive_s=0)
        broker.advance(1000.0)
        broker.revive("silent")
        assert client.heard == [Opened(session_present=False)]

    def test_silent_client_may_still_hear(self, broker: MemoryBroker) -> None:
        heard: list[LinkEvent] = []
        link = broker.open(LinkOptions("half", keepalive_s=4), heard.append, None)
        link.subscribe([Subscription("a")])
        link.silence(hears=True)
        Client(broker, "other").publish("a", b"x")
        assert [each.message.payload for each in heard if isinstance(each, Delivered)] == [b"x"]
        link.publish(Message("b", b"", qos=1), token=9)
        broker.advance(6.0)
        assert heard[-1] == Closed(CloseReason.LOST)


class TestTime:
    def test_session_ends_when_it_has_expired(self, broker: MemoryBroker) -> None:
        client = Client(broker, session_expiry_s=10)
        client.subscribe("a")
        broker.advance(100.0)  # a connected client's session does not age
        client.link.close()
        broker.advance(109.9)
        assert broker.backlog("client") == 0
        broker.advance(110.0)
        assert broker.backlog("client") is None
        assert Client(broker, clean_start=False).heard == [Opened(session_present=False)]

    def test_messages_expire_and_say_how_much_is_left(self, broker: MemoryBroker) -> None:
        away = Client(broker, "away", **KEPT)
        away.subscribe("a")
        away.link.close()
        other = Client(broker, "other")
        for name, expiry_s in (("short", 5), ("long", 60)):
            other.link.publish(Message("a", name.encode(), qos=1, expiry_s=expiry_s))
            other.link.publish(Message(name, b"", qos=1, retain=True, expiry_s=expiry_s))
            other.link.publish(Message(name, b"x", qos=1, retain=True, expiry_s=expiry_s))
        broker.advance(20.0)
        back = Client(broker, "away", **RESUMED)
        [arrived] = [each for each in back.heard if isinstance(each, Delivered)]
        assert arrived.message == Message("a", b"long", qos=1, expiry_s=40)
        assert broker.retained("short") is None
        assert broker.retained("long") == Message("long", b"x", qos=1, retain=True, expiry_s=40)
        back.take()
        back.subscribe("short", "long")
        assert back.payloads() == [b"x"]

    def test_does_not_go_back(self, broker: MemoryBroker) -> None:
        broker.advance(5.0)
        with pytest.raises(ValueError, match="time goes forward"):
            broker.advance(4.9)


def test_a_bus_without_a_broker_has_its_own() -> None:
    one, other = MemoryBus(), MemoryBus()
    heard: list[LinkEvent] = []
    one.open(LinkOptions("a"), heard.append).subscribe([Subscription("#")])
    other.open(LinkOptions("b"), lambda _event: None).publish(Message("x", b""))
    assert heard == [Opened(session_present=False)]
    assert one.broker is not other.broker
