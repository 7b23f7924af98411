from dataclasses import replace

import pytest

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.core.events import Route
from edge_agent.wire import SessionOptions, Wire, route_of
from edge_agent.wishes import HANDOVERS_PROPERTY
from fluid.bus import Delivered, LinkOptions, Message
from fluid.bus.rules import check_filters, check_message
from fluid.errors import ErrorCode
from fluid.messages import (
    Done,
    ErrorReply,
    Heartbeat,
    Malformed,
    Mode,
    decode_notice,
    decode_replies,
)
from fluid.topics import Topics
from tests.unit.edge_agent.making import (
    cluster_state,
    heartbeat,
    offline,
    partial,
    presence,
    request,
)

TOPICS = Topics("fluid")
WIRE = Wire(TOPICS, "a", SessionOptions())
LONGEST_TOPIC = 1024  # what `Topics.may_answer_on` allows


def incoming(
    topic: str = "fluid/infer/7", payload: bytes = b"image", **properties: object
) -> Message:
    return replace(Message(topic, payload, qos=1), **properties)  # type: ignore[arg-type]
    # (a Message's fields by name: the constructor checks them at run time)


def read(message: Message) -> seen.Request:
    made = WIRE.request(message)
    assert made is not None
    return made


def fault_code(message: Message) -> ErrorCode | None:
    fault = read(message).fault
    return None if fault is None else fault.code


# Links.


def test_the_inference_session_outlives_its_connection_and_acknowledges_by_hand() -> None:
    wire = Wire(TOPICS, "a", SessionOptions(receive_maximum=9, expiry_s=77))
    options = wire.infer_options("a")
    assert (options.client_id, options.clean_start) == ("fluid:a", False)
    assert (options.receive_maximum, options.session_expiry_s) == (9, 77)
    assert options.manual_ack
    assert options.will is None


def test_a_look_at_a_broker_leaves_no_session_and_no_will() -> None:
    options = WIRE.probe_options(do.ProbeBroker(broker=1, boot=255))
    assert options == LinkOptions("fluid:a:probe:ff")
    assert (options.clean_start, options.session_expiry_s, options.will) == (True, 0, None)


def test_a_dead_agents_session_is_opened_under_its_own_client_id() -> None:
    assert (
        WIRE.infer_options("dead").client_id
        == Wire(TOPICS, "dead", SessionOptions()).infer_options("dead").client_id
    )


def test_the_control_connection_is_new_each_time_and_its_will_is_the_retained_presence() -> None:
    effect = do.OpenControl(boot=255, will=offline("a", 5), probe=heartbeat("a", 5))
    options = WIRE.control_options(effect)
    assert options.clean_start
    assert options.session_expiry_s == 0
    assert options.will == Message("fluid/presence/a", offline("a", 5).encode(), 1, retain=True)
    assert options.client_id != WIRE.infer_options("a").client_id
    other_process = WIRE.control_options(replace(effect, boot=256))
    assert other_process.client_id != options.client_id


def test_two_clusters_on_one_broker_have_client_ids_of_their_own() -> None:
    other = Wire(Topics("hall/fluid"), "a", SessionOptions())
    assert other.infer_options("a").client_id != WIRE.infer_options("a").client_id
    assert "/" not in other.infer_options("a").client_id


def test_the_control_link_hears_the_cluster_and_not_its_own_done_notices() -> None:
    subscriptions = {each.topic_filter: each for each in WIRE.control_subscriptions()}
    assert set(subscriptions) == {
        "fluid/presence/+",
        "fluid/attempt/+",
        "fluid/condemned/+",
        "fluid/heartbeat/+",
        "fluid/term/+",
        "fluid/cluster",
        "fluid/mode/set",
        "fluid/partial/a",
        "fluid/done",
    }
    assert [name for name, each in subscriptions.items() if each.no_local] == ["fluid/done"]
    check_filters(list(subscriptions))


def test_each_route_is_told_by_its_identifier_and_keeps_the_retain_flag() -> None:
    everyone, shared = (WIRE.route_subscription(route) for route in Route)
    assert everyone.topic_filter == "fluid/infer/#"
    assert shared.topic_filter == "$share/fluid/fluid/infer/#"
    assert everyone.identifier != shared.identifier
    for each in (everyone, shared):
        assert each.retain_as_published
        assert not each.send_retained
        assert each.qos == 1


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
    made = WIRE.request(incoming(response_topic=topic))
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
    assert WIRE.request(incoming(payload=b"", retain=True)) is None
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


def test_a_handover_is_the_same_request_with_its_count() -> None:
    message = incoming(
        correlation=b"1",
        response_topic="me",
        expiry_s=5,
        user_properties=(("x", "y"), (HANDOVERS_PROPERTY, "1"), ("", "nameless")),
    )
    original = read(message)
    passed_on = WIRE.handover(do.RepublishAdopted("dead", original, 2, token=1))
    check_message(passed_on)
    again = read(passed_on)
    assert (again.key, again.id, again.reply_to) == (original.key, original.id, "me")
    assert again.handovers == 2
    assert passed_on.user_properties == (("x", "y"), (HANDOVERS_PROPERTY, "2"))
    assert (passed_on.qos, passed_on.retain, passed_on.expiry_s) == (1, False, 5)


# Messages in.


def test_a_request_arrives_by_its_route_or_by_the_safe_guess() -> None:
    delivered = Delivered(incoming(), ack_id=4, subscription_ids=(1,))
    event = WIRE.infer_event(delivered)
    assert event == seen.RequestArrived(read(incoming()), Route.EVERYONE, 4)
    again = WIRE.infer_event(replace(delivered, duplicate=True))
    assert again == seen.RequestArrived(read(incoming()), Route.EVERYONE, 4, redelivered=True)
    unknown = WIRE.infer_event(replace(delivered, subscription_ids=()))
    assert isinstance(unknown, seen.RequestArrived)
    assert unknown.route is Route.SHARED


def test_what_is_no_request_in_our_session_is_a_stray() -> None:
    for message in (incoming("fluid/adopt/a", b"marker"), incoming(payload=b"", retain=True)):
        assert WIRE.infer_event(Delivered(message, ack_id=4)) == seen.StrayArrived(4)


def test_an_adopted_session_brings_requests_and_markers() -> None:
    delivered = Delivered(incoming(), ack_id=4, duplicate=True, subscription_ids=(2,))
    assert WIRE.adoption_event("dead", delivered) == seen.AdoptionRequest(
        "dead", read(incoming()), Route.SHARED, 4, was_sent=True
    )
    marker = WIRE.marker(do.DrainAdoption("dead", "a.7.1"))
    assert WIRE.marker_subscription("dead").topic_filter == marker.topic == "fluid/adopt/dead"
    assert WIRE.adoption_event("dead", Delivered(marker, ack_id=5)) == seen.AdoptionMarker(
        "dead", "a.7.1", 5
    )


def test_what_we_say_of_ourselves_is_read_as_it_was_meant() -> None:
    said = presence("a", 7, serving=Mode.HA, term=3, leader="b")
    assert WIRE.control_events(WIRE.presence(said)) == [seen.PresenceSeen(said)]
    beat = Heartbeat("a", 7, 3, queue=2, busy=0.5)
    assert WIRE.control_events(WIRE.heartbeat(beat)) == [seen.HeartbeatSeen(beat)]
    assert WIRE.heartbeat(beat).qos == 0
    probe = WIRE.probe(do.OpenControl(1, offline("a"), beat))
    assert (probe.qos, probe.retain) == (1, False)
    state = cluster_state(4, "a", members=("a",), placement={"lower": ("a",)})
    published = WIRE.cluster(do.PublishCluster(state))
    assert published.retain
    assert WIRE.control_events(published) == [seen.ClusterSeen(state, retained=True)]
    live = replace(published, retain=False)
    assert WIRE.control_events(live) == [seen.ClusterSeen(state, retained=False)]


def test_shares_and_notices_find_their_way() -> None:
    shares = (partial("1", "a", "lower50"), partial("1", "c", "upper50"))
    sent = WIRE.partials(do.SendPartials("b", shares))
    assert (sent.topic, sent.qos) == ("fluid/partial/b", 1)
    events = Wire(TOPICS, "b", SessionOptions()).control_events(sent)
    assert isinstance(events, list)
    assert [type(event) for event in events] == [seen.PartialSeen, seen.PartialSeen]
    notice = Done((request("1").key,), settled=True)
    said = WIRE.notice(do.SendDone(notice))
    assert decode_notice(said.payload) == notice
    assert WIRE.control_events(said) == [seen.DoneSeen(notice)]


def test_shares_for_another_are_not_ours_to_read() -> None:
    sent = WIRE.partials(do.SendPartials("b", (partial("1", "a", "lower50"),)))
    assert isinstance(WIRE.control_events(sent), Malformed)


def test_an_operator_speaks_in_one_word() -> None:
    said = Message("fluid/mode/set", b" HT\n")
    assert WIRE.control_events(said) == [seen.ModeWished(Mode.HT)]
    assert isinstance(WIRE.control_events(replace(said, payload=b"fast")), Malformed)


def test_nobody_speaks_for_another() -> None:
    for message in (
        Message("fluid/presence/b", presence("c").encode()),
        Message("fluid/heartbeat/b", heartbeat("c").encode()),
    ):
        assert isinstance(WIRE.control_events(message), Malformed)


def test_an_empty_retained_presence_is_a_presence_cleared() -> None:
    assert WIRE.control_events(Message("fluid/presence/b", b"")) == [seen.PresenceCleared("b")]


def test_an_answer_carries_the_correlation_data_and_nothing_else_of_the_request() -> None:
    asked = read(incoming(correlation=b"mine", response_topic="me", user_properties=(("x", "y"),)))
    error = (ErrorReply("mine", "wrong_shape", "too wide"),)
    reply = WIRE.reply(do.SendReply(asked, error, as_list=False, token=1))
    assert reply == Message("me", reply.payload, qos=1, correlation=b"mine")
    assert decode_replies(reply.payload) == error
    as_list = WIRE.reply(do.SendReply(asked, error, as_list=True, token=1))
    assert as_list.payload.startswith(b"[")
    adopted = WIRE.reply(do.ReplyAdopted("dead", asked, error, token=1))
    assert adopted == reply


def test_an_attempt_note_is_retained_and_comes_round_as_it_was_written() -> None:
    keys = (request("1").key, request("2").key)
    message = WIRE.attempt(do.WriteAttempt("a", keys, token=1))
    assert (message.topic, message.qos, message.retain) == ("fluid/attempt/a", 1, True)
    assert WIRE.control_events(message) == [seen.AttemptSeen("a", keys)]
    cleared = WIRE.attempt(do.WriteAttempt("a", (), token=2))
    assert cleared.payload == b""
    assert WIRE.control_events(cleared) == [seen.AttemptSeen("a", ())]


def test_a_list_of_the_condemned_is_retained_and_comes_round_as_it_was_written() -> None:
    keys = (request("2").key, request("1").key)
    message = WIRE.condemned(do.PublishCondemned(keys))
    assert (message.topic, message.qos, message.retain) == ("fluid/condemned/a", 1, True)
    assert WIRE.control_events(message) == [seen.CondemnedSeen("a", keys)]


def test_whoever_is_forgotten_leaves_no_record() -> None:
    cleared = WIRE.cleared_records("b")
    assert {message.topic for message in cleared} == {"fluid/term/b", "fluid/condemned/b"}
    assert all((message.payload, message.retain) == (b"", True) for message in cleared)


@pytest.mark.parametrize("topic", ["fluid/attempt/b", "fluid/condemned/b"])
@pytest.mark.parametrize("payload", [b"x", b"x" * 17, b"x" * 16 * 65])
def test_a_list_that_names_no_requests_is_malformed(topic: str, payload: bytes) -> None:
    message = Message(topic, payload, qos=1, retain=True)
    assert isinstance(WIRE.control_events(message), Malformed)


def test_what_makes_no_sense_in_a_property_is_a_fault_and_what_is_asked_for_tells_apart() -> None:
    assert fault_code(incoming(user_properties=(("fluid-deadline-ms", "soon"),))) == "bad_property"
    asked = read(
        incoming(user_properties=(("fluid-min-subnetwork", "100"), ("fluid-deadline-ms", "250")))
    )
    assert (asked.minimum, asked.deadline_s, asked.fault) == ("100", 0.25, None)
    assert asked.key != read(incoming()).key
