import io
import itertools
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np
import pytest

from fluid.bus.memory import MemoryBus
from fluid.bus.protocol import (
    Bus,
    Closed,
    CloseReason,
    Delivered,
    LinkEvent,
    LinkOptions,
    Message,
    Subscription,
)
from fluid.client import Backoff, FluidClient, ResendPolicy
from fluid.codec import Images, ImageSource
from fluid.errors import (
    BrokerNotFound,
    BrokerRefused,
    BrokerUnreachable,
    ImageError,
    RequestError,
    RequestRefused,
    RequestTimeout,
)
from fluid.messages import LOGITS_PROPERTY, PROBABILITIES_PROPERTY, UNIQUE_PROPERTY
from fluid.topics import Topics
from tests.unit.fluid.client.fake_bus import (
    FakeBus,
    FakeLink,
    answer_with_length,
    error_payload,
    never_answer,
    reply_payload,
    result_document,
)

LOST = Closed(CloseReason.LOST, "the cable is out")
HASTY = ResendPolicy(unanswered=Backoff(0.02, 0.02), unserved=Backoff(0.01, 0.01))


def test_one_image_gets_its_result() -> None:
    bus = FakeBus()
    with FluidClient(bus=bus) as client:
        result = client.infer(b"12345")
    assert result.label == 5
    assert result.devices == ("pi-1",)
    assert client.statistics.answered == client.statistics.sent == 1


def test_the_bus_that_ships_with_the_library_carries_it_too() -> None:
    bus = MemoryBus()
    with FluidClient(bus=bus, resend=HASTY) as client:
        with pytest.raises(RequestTimeout, match="no agent is serving"):
            client.infer(b"x", timeout_s=0.5)
        agent = Agent(bus)
        assert client.infer(b"123").label == 3
        labels = [each.result().label for each in client.infer_many([b"x", b"yy"] * 50)]
        agent.link.close()
    assert labels == [1, 2] * 50


class Agent:
    """The least that answers: it takes every request and says how long its payload is."""

    def __init__(self, bus: Bus) -> None:
        self.link = bus.open(LinkOptions("agent"), self._take)
        self.link.subscribe([Subscription(Topics().infer_all)])

    def _take(self, event: LinkEvent) -> None:
        if isinstance(event, Delivered):
            request = event.message
            assert request.correlation is not None
            assert request.response_topic is not None
            payload = reply_payload(request.correlation.decode(), len(request.payload))
            topic, correlation = request.response_topic, request.correlation
            self.link.publish(Message(topic, payload, qos=1, correlation=correlation))


def test_a_request_carries_all_that_an_agent_needs() -> None:
    bus = FakeBus()
    with FluidClient(bus=bus, base_topic="lab/fluid") as client:
        client.infer(b"raw", probabilities=True, timeout_s=7.5)
    (request,) = bus.published
    (link,) = bus.links
    assert request.topic == "lab/fluid/infer"
    assert request.payload == b"raw"
    assert (request.qos, request.retain) == (1, False)
    assert request.response_topic == f"lab/fluid/result/{link.options.client_id}"
    assert request.expiry_s == 8
    assert request.user_properties == (UNIQUE_PROPERTY, PROBABILITIES_PROPERTY)


def test_a_request_carries_what_it_asks_for() -> None:
    bus = FakeBus()
    with FluidClient(bus=bus) as client:
        client.infer(b"x", logits=True, min_subnetwork="100", deadline_s=0.25)
        client.infer_batch(b"x", logits=True, min_subnetwork="100", deadline_s=0.25)
        list(client.infer_many([b"x"], logits=True, min_subnetwork="100", deadline_s=0.25))
        client.submit(b"x", logits=True, min_subnetwork="100", deadline_s=0.25).result(timeout=30.0)
    wishes = (LOGITS_PROPERTY, ("fluid-min-subnetwork", "100"), ("fluid-deadline-ms", "250"))
    assert [each.user_properties for each in bus.published] == [(UNIQUE_PROPERTY, *wishes)] * 4


@pytest.mark.parametrize("deadline_s", [0.0, -1.0, 86_401.0, float("nan")])
def test_a_deadline_that_no_answer_can_meet_raises(deadline_s: float) -> None:
    with (
        FluidClient(bus=FakeBus()) as client,
        pytest.raises(ValueError, match="deadline_s must be above 0 and at most 86400"),
    ):
        client.infer(b"x", deadline_s=deadline_s)


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 257])
def test_what_cannot_be_a_sub_network_raises(name: str) -> None:
    with (
        FluidClient(bus=FakeBus()) as client,
        pytest.raises(ValueError, match="min_subnetwork must be a sub-network's name"),
    ):
        client.infer(b"x", min_subnetwork=name)


def test_every_request_says_that_its_id_is_its_own() -> None:
    bus = FakeBus()
    with FluidClient(bus=bus) as client:
        client.infer(b"x")
        client.infer_batch(b"x")
        assert len(list(client.infer_many([b"x", b"x"]))) == 2
    assert [request.user_properties for request in bus.published] == [(UNIQUE_PROPERTY,)] * 4
    assert len(set(bus.published_ids)) == 4


@pytest.mark.parametrize("timeout_s", [0.0, -1.0, 86_401.0, float("inf"), float("nan")])
def test_a_time_that_no_request_can_be_kept_for_raises(timeout_s: float) -> None:
    with pytest.raises(ValueError, match="timeout_s must be above 0 and at most 86400"):
        FluidClient(bus=FakeBus(), timeout_s=timeout_s)
    with FluidClient(bus=FakeBus()) as client:
        with pytest.raises(ValueError, match="timeout_s must be above 0 and at most 86400"):
            client.infer(b"x", timeout_s=timeout_s)
        assert client.infer(b"x").label == 1  # the client is none the worse for it


def test_a_message_that_the_broker_is_too_small_for_is_refused_and_not_sent_again() -> None:
    bus = FakeBus(never_answer, reasons=[0x95])
    with (
        FluidClient(bus=bus, resend=HASTY) as client,
        pytest.raises(RequestRefused, match="the bus takes no message of 5 bytes") as caught,
    ):
        client.infer(b"12345")
    assert caught.value.code == "mqtt_reason_0x95"
    assert len(bus.published) == 1


def test_requests_have_ids_of_their_own_and_clients_have_names_of_their_own() -> None:
    bus = FakeBus()
    for _ in range(2):
        with FluidClient(bus=bus) as client:
            client.infer(b"x")
            client.infer(b"x")
    assert len(set(bus.published_ids)) == 4
    assert len({link.options.client_id for link in bus.links}) == 2


def test_nothing_is_connected_before_the_first_request() -> None:
    bus = FakeBus()
    client = FluidClient(bus=bus)
    assert not bus.links
    client.infer(b"x")
    assert len(bus.links) == 1
    client.close()
    assert not bus.links[0].is_open


def test_a_coded_error_is_raised_as_a_refusal() -> None:
    def refuse(link: FakeLink, request: Message) -> None:
        link.answer(request, error_payload("a", "wrong_shape", "9 x 9, not 8 x 8"))

    with (
        FluidClient(bus=FakeBus(refuse)) as client,
        pytest.raises(RequestRefused, match="9 x 9") as caught,
    ):
        client.infer(b"x")
    assert caught.value.code == "wrong_shape"


def test_no_answer_in_time_is_a_time_out() -> None:
    with (
        FluidClient(bus=FakeBus(never_answer)) as client,
        pytest.raises(RequestTimeout, match="no answer from the bus"),
    ):
        client.infer(b"x", timeout_s=0.05)
    assert client.statistics.timed_out == 1


def test_a_time_out_says_that_no_agent_is_serving() -> None:
    bus = FakeBus(never_answer, reasons=[0x10] * 1000)
    with (
        FluidClient(bus=bus, resend=HASTY) as client,
        pytest.raises(RequestTimeout, match="no agent is serving at the bus"),
    ):
        client.infer(b"x", timeout_s=0.5)
    assert client.statistics.unserved > 1


def test_a_request_waits_for_the_first_agent_to_come() -> None:
    def answer_the_third(link: FakeLink, request: Message) -> None:
        if len(bus.published) == 3:
            answer_with_length(link, request)

    bus = FakeBus(answer_the_third, reasons=[0x10, 0x10])
    with FluidClient(bus=bus, resend=HASTY) as client:
        assert client.infer(b"1234").label == 4
    assert len(set(bus.published_ids)) == 1


def test_an_unanswered_request_is_sent_again_under_its_own_id() -> None:
    def answer_the_second(link: FakeLink, request: Message) -> None:
        if len(bus.published) == 2:
            answer_with_length(link, request)

    bus = FakeBus(answer_the_second)
    with FluidClient(bus=bus, resend=HASTY) as client:
        (answer,) = client.infer_many([b"123"])
    assert answer.result().label == 3
    assert answer.attempts == 2
    assert len(set(bus.published_ids)) == 1


def test_a_second_answer_is_dropped_and_counted() -> None:
    def answer_twice(link: FakeLink, request: Message) -> None:
        answer_with_length(link, request)
        answer_with_length(link, request)

    with FluidClient(bus=FakeBus(answer_twice)) as client:
        labels = [answer.result().label for answer in client.infer_many([b"1", b"22", b"333"])]
    assert labels == [1, 2, 3]
    assert (client.statistics.answered, client.statistics.duplicates) == (3, 3)


@pytest.mark.parametrize("payload", [b"", b"not JSON", b"[]", b'{"id": 3}', b"\xff"])
def test_a_reply_that_cannot_be_read_is_counted_and_the_request_goes_on(payload: bytes) -> None:
    def babble_first(link: FakeLink, request: Message) -> None:
        link.answer(request, payload)
        answer_with_length(link, request)

    with FluidClient(bus=FakeBus(babble_first)) as client:
        assert client.infer(b"12").label == 2
    assert client.statistics.unreadable == 1


def test_a_lost_link_is_opened_again_and_what_was_under_way_is_sent_again() -> None:
    def lose_the_first(link: FakeLink, request: Message) -> None:
        if len(bus.links) == 1:
            link.end(LOST)
        else:
            answer_with_length(link, request)

    bus = FakeBus(lose_the_first)
    with FluidClient(bus=bus) as client:
        assert client.infer(b"1234").label == 4
    assert len(bus.links) == 2
    assert len(bus.published) == 2
    assert len(set(bus.published_ids)) == 1


def test_reconnecting_goes_on_through_refusals_once_a_connection_was_had() -> None:
    def lose_the_first(link: FakeLink, request: Message) -> None:
        if len(bus.links) == 1:
            bus.refusals = [Closed(CloseReason.NOT_FOUND), Closed(CloseReason.UNREACHABLE)]
            link.end(LOST)
        else:
            answer_with_length(link, request)

    bus = FakeBus(lose_the_first)
    with FluidClient(bus=bus) as client:
        assert client.infer(b"12").label == 2
    assert len(bus.links) == 4


def test_a_time_out_without_a_link_says_why_there_is_none() -> None:
    def lose_for_good(link: FakeLink, _request: Message) -> None:
        bus.refusals = [Closed(CloseReason.UNREACHABLE, "nothing listens")] * 1000
        link.end(LOST)

    bus = FakeBus(lose_for_good)
    with (
        FluidClient(bus=bus) as client,
        pytest.raises(RequestTimeout, match=r"no connection to the bus .*: nothing listens"),
    ):
        client.infer(b"x", timeout_s=1.0)


class TestFirstConnection:
    @pytest.mark.parametrize(
        ("reason", "error"),
        [(CloseReason.NOT_FOUND, BrokerNotFound), (CloseReason.REFUSED, BrokerRefused)],
    )
    def test_what_will_not_pass_is_raised_at_once(
        self, reason: CloseReason, error: type[Exception]
    ) -> None:
        bus = FakeBus(refusals=[Closed(reason, "in words")])
        with pytest.raises(error, match="in words"):
            FluidClient(bus=bus, connect_timeout_s=60.0).connect()
        assert len(bus.links) == 1

    def test_an_unreachable_broker_is_tried_until_the_time_is_up(self) -> None:
        bus = FakeBus(refusals=[Closed(CloseReason.UNREACHABLE, "nothing listens")] * 1000)
        with pytest.raises(BrokerUnreachable, match="nothing listens"):
            FluidClient(bus=bus, connect_timeout_s=1.0).connect()
        assert len(bus.links) > 1

    def test_a_broker_that_starts_late_is_reached(self) -> None:
        bus = FakeBus(refusals=[Closed(CloseReason.UNREACHABLE)] * 2)
        with FluidClient(bus=bus) as client:
            assert client.infer(b"1").label == 1

    def test_a_refused_subscription_is_a_refusal(self) -> None:
        bus = FakeBus(subscribe_reason=0x87)
        with pytest.raises(BrokerRefused, match="refuses to deliver fluid/result/"):
            FluidClient(bus=bus).connect()
        assert not bus.links[0].is_open

    def test_a_client_that_could_not_connect_may_try_again(self) -> None:
        bus = FakeBus(refusals=[Closed(CloseReason.REFUSED, "no")])
        client = FluidClient(bus=bus)
        with pytest.raises(BrokerRefused):
            client.connect()
        assert client.infer(b"1").label == 1
        client.close()

    def test_a_bus_and_a_broker_are_one_too_many(self) -> None:
        with pytest.raises(ValueError, match="not both"):
            FluidClient("mqtt://localhost", bus=FakeBus())

    def test_a_malformed_address_is_a_mistake_of_the_caller(self) -> None:
        with pytest.raises(ValueError, match="http"):
            FluidClient("http://localhost")


def test_a_publish_that_the_broker_forbids_ends_at_once() -> None:
    bus = FakeBus(never_answer, reasons=[0x87])
    with (
        FluidClient(bus=bus) as client,
        pytest.raises(RequestRefused, match="does not let this client publish") as caught,
    ):
        client.infer(b"x")
    assert caught.value.code == "mqtt_reason_0x87"


class TestBatches:
    def answer_each(self, link: FakeLink, request: Message) -> None:
        assert request.correlation is not None
        images: Images = np.load(io.BytesIO(request.payload))
        request_id = request.correlation.decode()
        replies = [result_document(request_id, int(image.flat[0])) for image in images]
        link.answer(request, json.dumps(replies).encode())

    @pytest.mark.parametrize("as_list", [True, False])
    def test_a_batch_is_one_request_with_a_result_for_each_image(self, *, as_list: bool) -> None:
        batch = np.arange(3, dtype=np.uint8).repeat(4).reshape(3, 2, 2)
        bus = FakeBus(self.answer_each)
        with FluidClient(bus=bus) as client:
            results = client.infer_batch(list(batch) if as_list else batch)
        assert [result.label for result in results] == [0, 1, 2]
        assert len(bus.published) == 1

    def test_a_batch_with_a_refused_image_is_refused(self) -> None:
        def refuse_the_second(link: FakeLink, request: Message) -> None:
            good, bad = result_document("a"), json.loads(error_payload("a", "broken", "it broke"))
            link.answer(request, json.dumps([good, bad]).encode())

        with (
            FluidClient(bus=FakeBus(refuse_the_second)) as client,
            pytest.raises(RequestRefused, match="it broke"),
        ):
            client.infer_batch(np.zeros((2, 4, 4), np.uint8))

    def test_a_batch_given_to_infer_is_a_mistake(self) -> None:
        with (
            FluidClient(bus=FakeBus(self.answer_each)) as client,
            pytest.raises(ValueError, match="batch of 3"),
        ):
            client.infer(np.zeros((3, 2, 2), np.uint8))

    def test_images_of_different_shapes_make_no_batch(self) -> None:
        client = FluidClient(bus=FakeBus())
        with pytest.raises(ImageError, match="one shape"):
            client.infer_batch([np.zeros((2, 2), np.uint8), np.zeros((3, 3), np.uint8)])


class TestStreams:
    def test_answers_come_in_the_order_of_the_images(self) -> None:
        held: list[Message] = []

        def answer_pairs_backwards(link: FakeLink, request: Message) -> None:
            held.append(request)
            if len(held) == 2:
                for each in reversed(held):
                    answer_with_length(link, each)
                held.clear()

        with FluidClient(bus=FakeBus(answer_pairs_backwards)) as client:
            answers = client.infer_many([b"x" * length for length in range(1, 101)], window=10)
            assert [answer.result().label for answer in answers] == list(range(1, 101))

    def test_never_more_than_the_window_is_under_way(self) -> None:
        taken = itertools.count()
        seen: list[int] = []

        def camera() -> Iterator[bytes]:
            while True:
                seen.append(next(taken))
                yield b"x"

        with FluidClient(bus=FakeBus(never_answer), timeout_s=0.05) as client:
            answers = client.infer_many(camera(), window=4)
            first = next(answers)
            answers.close()
        assert isinstance(first.error, RequestTimeout)
        assert len(seen) == 4

    def test_an_endless_camera_gets_its_answers_as_they_come(self) -> None:
        answered = threading.Event()

        def camera() -> Iterator[bytes]:
            yield b"1"
            # The first answer is out before the second image is asked for, however long it takes.
            assert answered.wait(30.0)
            yield b"22"

        with FluidClient(bus=FakeBus()) as client:
            labels = []
            for answer in client.infer_many(camera(), window=1):
                labels.append(answer.result().label)
                answered.set()
        assert labels == [1, 2]

    def test_a_bad_image_does_not_end_the_stream(self, tmp_path: Path) -> None:
        def refuse_the_long(link: FakeLink, request: Message) -> None:
            if len(request.payload) > 5:
                link.answer(request, error_payload("a", "not_an_image", "what is that"))
            else:
                answer_with_length(link, request)

        images: list[ImageSource] = [b"1", tmp_path / "gone.png", b"12", b"123456", b"123"]
        with FluidClient(bus=FakeBus(refuse_the_long)) as client:
            good, gone, also_good, refused, last = client.infer_many(images)
        assert [each.result().label for each in (good, also_good, last)] == [1, 2, 3]
        assert (gone.replies, gone.attempts) == ((), 0)
        with pytest.raises(ImageError, match=r"gone\.png"):
            gone.result()
        with pytest.raises(RequestRefused, match="what is that"):
            refused.result()

    def test_leaving_early_lets_go_of_what_is_under_way(self) -> None:
        def answer_only_the_first(link: FakeLink, request: Message) -> None:
            if len(bus.published) == 1:
                answer_with_length(link, request)

        bus = FakeBus(answer_only_the_first)
        with FluidClient(bus=bus, timeout_s=3600.0, resend=HASTY) as client:
            answers = client.infer_many([b"1", b"22", b"333"], window=2)
            assert next(answers).result().label == 1
            answers.close()
            with pytest.raises(RequestTimeout):
                client.infer(b"4444", timeout_s=0.5)
        payloads = [each.payload for each in bus.published]
        after_leaving = payloads[payloads.index(b"4444") :]
        assert len(after_leaving) > 1
        assert set(after_leaving) == {b"4444"}

    def test_a_window_below_one_is_a_mistake(self) -> None:
        with pytest.raises(ValueError, match="window must be at least 1"):
            FluidClient(bus=FakeBus()).infer_many([b"x"], window=0)

    def test_an_error_of_the_camera_itself_ends_the_stream(self) -> None:
        def camera() -> Iterator[bytes]:
            yield b"1"
            raise OSError("unplugged")

        with (
            FluidClient(bus=FakeBus()) as client,
            pytest.raises(OSError, match="unplugged"),
        ):
            list(client.infer_many(camera()))


class TestSubmittedRequests:
    """`submit` hands an image over and goes on."""

    def test_each_gets_its_own_answer_in_whatever_order_they_come(self) -> None:
        held: list[Message] = []

        def answer_three_backwards(link: FakeLink, request: Message) -> None:
            held.append(request)
            if len(held) == 3:
                for each in reversed(held):
                    answer_with_length(link, each)

        with FluidClient(bus=FakeBus(answer_three_backwards)) as client:
            futures = [client.submit(payload) for payload in (b"1", b"22", b"333")]
            answers = [future.result(timeout=30.0) for future in futures]
        assert [answer.result().label for answer in answers] == [1, 2, 3]
        assert all(answer.attempts == 1 for answer in answers)

    def test_nothing_that_is_under_way_holds_up_the_next(self) -> None:
        with FluidClient(bus=FakeBus(never_answer), timeout_s=3600.0) as client:
            futures = [client.submit(b"x") for _ in range(200)]
            assert not any(future.done() for future in futures)
        errors = [future.result(timeout=30.0).error for future in futures]
        assert {type(error) for error in errors} == {RequestError}  # the client was closed

    def test_an_image_that_cannot_be_read_is_an_answer_with_an_error(self, tmp_path: Path) -> None:
        with FluidClient(bus=FakeBus()) as client:
            answer = client.submit(tmp_path / "gone.png").result(timeout=30.0)
        assert isinstance(answer.error, ImageError)
        assert answer.attempts == 0

    def test_no_answer_in_time_is_an_answer_with_an_error(self) -> None:
        with FluidClient(bus=FakeBus(never_answer)) as client:
            answer = client.submit(b"x", timeout_s=0.05).result(timeout=30.0)
        assert isinstance(answer.error, RequestTimeout)

    def test_probabilities_are_asked_for_on_request(self) -> None:
        bus = FakeBus()
        with FluidClient(bus=bus) as client:
            client.submit(b"x", probabilities=True).result(timeout=30.0)
        assert PROBABILITIES_PROPERTY in bus.published[0].user_properties

    def test_a_cancelled_request_is_let_go_of_and_its_answer_dropped_as_late(self) -> None:
        published = threading.Event()

        def hold_the_first(link: FakeLink, request: Message) -> None:
            if request.payload != b"1":
                answer_with_length(link, request)
            published.set()

        bus = FakeBus(hold_the_first)
        with FluidClient(bus=bus, timeout_s=3600.0) as client:
            future = client.submit(b"1")
            assert published.wait(30.0)
            assert future.cancel()
            assert wait([future], timeout=30.0).done == {future}
            answer_with_length(bus.links[0], bus.published[0])
            assert client.infer(b"22").label == 2  # the client is none the worse for it
            statistics = client.statistics
        assert (statistics.answered, statistics.late) == (1, 1)
        assert future.cancelled()

    def test_cancelling_may_race_with_the_answer_and_with_the_end(self) -> None:
        with FluidClient(bus=FakeBus(), timeout_s=3600.0) as client:
            futures = [client.submit(b"x") for _ in range(300)]
            for future in futures:
                future.cancel()
            assert client.infer(b"22").label == 2
        assert wait(futures, timeout=30.0).not_done == set()

    def test_an_answered_request_cannot_be_cancelled(self) -> None:
        with FluidClient(bus=FakeBus()) as client:
            future = client.submit(b"1")
            assert future.result(timeout=30.0).result().label == 1
            assert not future.cancel()

    def test_a_closed_client_takes_no_more(self) -> None:
        client = FluidClient(bus=FakeBus())
        client.close()
        with pytest.raises(RuntimeError, match="closed"):
            client.submit(b"x")


def test_threads_share_a_client() -> None:
    bus = FakeBus()
    with FluidClient(bus=bus) as client, ThreadPoolExecutor(8) as pool:
        payloads = [b"x" * length for length in range(1, 65)]
        labels = [result.label for result in pool.map(client.infer, payloads)]
    assert labels == list(range(1, 65))
    assert len(bus.links) == 1


def test_closing_ends_what_other_threads_wait_for() -> None:
    under_way = threading.Event()

    def tell_and_keep_silent(_link: FakeLink, _request: Message) -> None:
        under_way.set()

    client = FluidClient(bus=FakeBus(tell_and_keep_silent), timeout_s=3600.0)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.infer, b"x")
        assert under_way.wait(30.0)
        client.close()
        with pytest.raises(RequestError, match="the client was closed"):
            waiting.result(timeout=30.0)


def test_a_closed_client_says_so() -> None:
    client = FluidClient(bus=FakeBus())
    client.connect()
    client.close()
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.infer(b"x")


def test_no_thread_outlives_its_client() -> None:
    before = set(threading.enumerate())
    with FluidClient(bus=FakeBus()) as client:
        client.infer(b"x")
    with pytest.raises(BrokerRefused):
        FluidClient(bus=FakeBus(refusals=[Closed(CloseReason.REFUSED, "no")])).connect()
    assert set(threading.enumerate()) <= before
