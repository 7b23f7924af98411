from dataclasses import replace

import pytest

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.core.events import Route
from edge_agent.reader import route_of
from edge_agent.wire import SessionOptions, Wire
from edge_agent.wishes import HANDOVERS_PROPERTY
from fluid.bus import Delivered, Message
from fluid.bus.rules import check_message
from fluid.errors import ErrorCode
from fluid.messages import Malformed, Mode
from fluid.topics import Topics
from tests.unit.edge_agent.making import heartbeat, incoming, partial, presence

WIRE = Wire(Topics("fluid"), "a", SessionOptions())
READER = WIRE.reader
LONGEST_TOPIC = 1024  # what `Topics.may_answer_on` allows


def read(message: Message) -> seen.Request:
    made = READER.request(message)
    assert made is not None
    return made


def fault_code(message: Message) -> ErrorCode | None:
    fault = read(message).fault
    return None if fault is None else fault.code


@pytest.mark.parametrize(
    ("identifiers", "route"),
    [
        ((1,), Route.EVERYONE),
        ((2,), Route.SHARED),
        ((2, 1), Route.EVERYONE),
        ((), None),
        ((9,), None),
    ],
)
def test_the_route_is_that_of_the_subscription(
    identifiers: tuple[int, ...], route: Route | None
) -> None:
    assert route_of(Delivered(incoming(), 1, subscription_ids=identifiers)) is route


# Requests.


@pytest.mark.parametrize(
    ("message", "request_id"),
    [
        (incoming("fluid/infer/7", correlation=b"mine"), "mine"),
        (incoming("fluid/infer/7"), "7"),
        (incoming("fluid/infer/hall/7"), "hall/7"),
        (incoming("fluid/infer", correlation=b"\xff\x00"), "ff00"),
        (incoming("fluid/infer", correlation="grün".encode()), "grün"),
        (incoming("fluid/infer", correlation=b"line\nfeed"), b"line\nfeed".hex()),
        (incoming("fluid/infer", correlation=b"x" * 500), "x" * 128),
    ],
)
def test_a_request_is_named_by_correlation_data_or_topic(message: Message, request_id: str) -> None:
    assert read(message).id == request_id


def test_a_request_without_a_name_is_named_by_its_content() -> None:
    first, same, other = (
        read(incoming("fluid/infer", payload)) for payload in (b"one", b"one", b"two")
    )
    assert first.id == same.id == first.key.hex()
    assert other.id != first.id


def test_a_key_is_of_the_name_the_content_and_where_the_answer_goes() -> None:
    base = incoming(correlation=b"1", response_topic="me")
    variants = [
        replace(base, correlation=b"2"),
        replace(base, payload=b"other"),
        replace(base, response_topic="you"),
    ]
    keys = {read(message).key for message in (base, *variants)}
    assert len(keys) == 4
    assert read(replace(base, user_properties=(("x", "y"),))).key == read(base).key


@pytest.mark.parametrize(
    ("message", "reply_to"),
    [
        (incoming("fluid/infer/7"), "fluid/result/7"),
        (incoming("fluid/infer"), "fluid/result"),
        (incoming("fluid/infer/"), "fluid/result"),
        (incoming("fluid/infer/7", response_topic="me/answers"), "me/answers"),
    ],
)
def test_the_answer_goes_where_it_was_asked_for(message: Message, reply_to: str) -> None:
    assert read(message).reply_to == reply_to
    assert read(message).fault is None


@pytest.mark.parametrize(
    "topic",
    [
        "a/+/b",
        "a/#",
        "$SYS/broker",
        "$share/fluid/x",
        "",
        "fluid/infer",
        "fluid/infer/7",
        "fluid/presence/a",
        "fluid/heartbeat/a",
        "fluid/cluster",
        "fluid/mode/set",
        "fluid/partial/a",
        "fluid/done",
        "fluid/adopt/a",
        "fluid/attempt/a",
        "fluid/feature/x",
        "x\0y",
    ],
)
def test_no_answer_goes_to_a_wildcard_or_with_an_agents_rights(topic: str) -> None:
    made = READER.request(incoming(response_topic=topic))
    assert made is not None
    if topic:  # none given is no fault
        assert made.fault is not None
        assert made.fault.code is ErrorCode.BAD_RESPONSE_TOPIC
        assert made.reply_to == "fluid/result"


def test_an_answer_topic_that_would_be_too_long_is_a_fault_and_not_an_exception() -> None:
    # fluid/result/ is a letter longer than fluid/infer/: the longest id has no topic of its own.
    fits = "fluid/infer/" + "x" * (LONGEST_TOPIC - len("fluid/result/"))
    assert fault_code(incoming(fits)) is None
    check_message(Message(read(incoming(fits)).reply_to, b""))
    assert fault_code(incoming(fits + "x")) is ErrorCode.BAD_RESPONSE_TOPIC
    check_message(Message(read(incoming(fits + "x")).reply_to, b""))


def test_a_retained_request_is_a_fault_and_clearing_it_is_nothing() -> None:
    assert fault_code(incoming(retain=True)) is ErrorCode.RETAINED_REQUEST
    assert READER.request(incoming(payload=b"", retain=True)) is None
    assert fault_code(incoming(payload=b"")) is None


def test_probabilities_are_given_on_request() -> None:
    assert not read(incoming()).wants_probabilities
    assert not read(incoming(user_properties=(("probabilities", "no"),))).wants_probabilities
    asked = incoming(user_properties=(("x", "y"), ("probabilities", "true")))
    assert read(asked).wants_probabilities


def test_logits_are_given_on_request() -> None:
    assert not read(incoming(user_properties=(("probabilities", "true"),))).wants_logits
    asked = read(incoming(user_properties=(("logits", "true"),)))
    assert asked.wants_logits
    assert not asked.wants_probabilities


@pytest.mark.parametrize(
    ("value", "handovers"),
    [("0", 0), ("2", 2), ("99999999", 1000), ("-1", 0), ("two", 0), ("", 0), ("٣", 0), ("²", 0)],
)
def test_handovers_are_read_from_whoever_wrote_them(value: str, handovers: int) -> None:
    assert read(incoming(user_properties=((HANDOVERS_PROPERTY, value),))).handovers == handovers


# On each connection.


def test_a_request_arrives_by_its_route_or_by_the_safe_guess() -> None:
    delivered = Delivered(incoming(), ack_id=4, subscription_ids=(1,))
    event = READER.infer_event(delivered)
    assert event == seen.RequestArrived(read(incoming()), Route.EVERYONE, 4)
    again = READER.infer_event(replace(delivered, duplicate=True))
    assert again == seen.RequestArrived(read(incoming()), Route.EVERYONE, 4, redelivered=True)
    unknown = READER.infer_event(replace(delivered, subscription_ids=()))
    assert isinstance(unknown, seen.RequestArrived)
    assert unknown.route is Route.SHARED


def test_what_is_no_request_in_our_session_is_a_stray() -> None:
    for message in (incoming("fluid/adopt/a", b"marker"), incoming(payload=b"", retain=True)):
        assert READER.infer_event(Delivered(message, ack_id=4)) == seen.StrayArrived(4)


def test_an_adopted_session_brings_requests_and_markers() -> None:
    delivered = Delivered(incoming(), ack_id=4, duplicate=True, subscription_ids=(2,))
    assert READER.adoption_event("dead", delivered) == seen.AdoptionRequest(
        "dead", read(incoming()), Route.SHARED, 4, was_sent=True
    )
    marker = WIRE.marker(do.DrainAdoption("dead", "a.7.1"))
    assert WIRE.marker_subscription("dead").topic_filter == marker.topic == "fluid/adopt/dead"
    assert READER.adoption_event("dead", Delivered(marker, ack_id=5)) == seen.AdoptionMarker(
        "dead", "a.7.1", 5
    )


def test_shares_for_another_are_not_ours_to_read() -> None:
    sent = WIRE.partials(do.SendPartials("b", (partial("1", "a", "lower50"),)))
    assert isinstance(READER.control_events(sent), Malformed)


def test_a_feature_map_that_cannot_be_read_is_malformed() -> None:
    assert isinstance(READER.control_events(Message("fluid/feature/a", b"x")), Malformed)
    assert isinstance(
        READER.control_events(Message("fluid/feature/a", b"", retain=True)), Malformed
    )


def test_an_operator_speaks_in_one_word() -> None:
    said = Message("fluid/mode/set", b" HT\n")
    assert READER.control_events(said) == [seen.ModeWished(Mode.HT)]
    assert isinstance(READER.control_events(replace(said, payload=b"fast")), Malformed)


def test_nobody_speaks_for_another() -> None:
    for message in (
        Message("fluid/presence/b", presence("c").encode()),
        Message("fluid/heartbeat/b", heartbeat("c").encode()),
    ):
        assert isinstance(READER.control_events(message), Malformed)


def test_an_empty_retained_presence_is_a_presence_cleared() -> None:
    assert READER.control_events(Message("fluid/presence/b", b"")) == [seen.PresenceCleared("b")]


@pytest.mark.parametrize("topic", ["fluid/attempt/b", "fluid/condemned/b"])
@pytest.mark.parametrize("payload", [b"x", b"x" * 17, b"x" * 16 * 65])
def test_a_list_that_names_no_requests_is_malformed(topic: str, payload: bytes) -> None:
    message = Message(topic, payload, qos=1, retain=True)
    assert isinstance(READER.control_events(message), Malformed)


def test_what_makes_no_sense_in_a_property_is_a_fault_and_what_is_asked_for_tells_apart() -> None:
    assert fault_code(incoming(user_properties=(("fluid-deadline-ms", "soon"),))) == "bad_property"
    asked = read(
        incoming(user_properties=(("fluid-min-subnetwork", "100"), ("fluid-deadline-ms", "250")))
    )
    assert (asked.minimum, asked.deadline_s, asked.fault) == ("100", 0.25, None)
    assert asked.key != read(incoming()).key
