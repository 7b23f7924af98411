from dataclasses import replace

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.core.events import Route
from edge_agent.wire import SessionOptions, Wire
from edge_agent.wishes import HANDOVERS_PROPERTY
from fluid.bus import LinkOptions, Message
from fluid.bus.rules import check_filters, check_message
from fluid.messages import (
    Done,
    ErrorReply,
    Heartbeat,
    Mode,
    decode_notice,
    decode_replies,
)
from fluid.topics import Topics
from tests.unit.edge_agent.making import (
    cluster_state,
    feature,
    heartbeat,
    incoming,
    offline,
    partial,
    presence,
    request,
)

TOPICS = Topics("fluid")
WIRE = Wire(TOPICS, "a", SessionOptions())


def read(message: Message) -> seen.Request:
    made = WIRE.reader.request(message)
    assert made is not None
    return made


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


def test_what_home_assistant_is_told_goes_over_a_connection_that_leaves_nothing() -> None:
    control = do.OpenControl(boot=255, will=offline("a", 5), probe=heartbeat("a", 5))
    options = WIRE.home_assistant_options(control)
    assert options == LinkOptions("fluid:a:home-assistant:ff")
    assert options.will is None


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


def test_a_secret_that_agents_share_ends_each_client_id_of_theirs() -> None:
    wire = Wire(TOPICS, "a", SessionOptions(), secret=b"0123456789abcdef")
    # printf fluid:a | openssl dgst -sha256 -hmac 0123456789abcdef
    sealed = "fluid:a:d8d5f52ffd6dd0d0"
    assert wire.infer_options("a").client_id == sealed
    control = do.OpenControl(boot=255, will=offline("a", 5), probe=heartbeat("a", 5))
    assert wire.control_options(control).client_id == f"{sealed}:control:ff"
    assert wire.probe_options(do.ProbeBroker(1, 255)).client_id == f"{sealed}:probe:ff"
    other = Wire(TOPICS, "b", SessionOptions(), secret=b"0123456789abcdef")
    assert other.infer_options("a").client_id == sealed  # whoever adopts has it too


def test_no_client_id_is_shown_with_its_secret_part() -> None:
    """Each has that of the session with the requests, and logs say which client was refused."""
    wire = Wire(TOPICS, "a", SessionOptions(), secret=b"0123456789abcdef")
    secret_part = wire.infer_options("a").client_id.removeprefix("fluid:a:")
    assert wire.infer_options("a").shown_id == "fluid:a:..."
    assert wire.doctor_options("tag").shown_id == "fluid:a:...:doctor:tag"
    control = wire.probe_options(do.ProbeBroker(1, 255))
    assert secret_part not in control.shown_id
    assert WIRE.infer_options("a").shown_id == "fluid:a"


def test_a_secret_that_agents_share_ends_the_name_of_their_share() -> None:
    wire = Wire(TOPICS, "a", SessionOptions(), secret=b"0123456789abcdef")
    # printf '$share/fluid/fluid/infer/#' | openssl dgst -sha256 -hmac 0123456789abcdef
    sealed = "$share/fluid-c94f231106288b6e/fluid/infer/#"
    assert wire.route_filter(Route.SHARED) == sealed
    assert wire.route_subscription(Route.SHARED).topic_filter == sealed
    assert wire.public_filter(Route.SHARED) == "$share/fluid/fluid/infer/#"
    assert wire.route_filter(Route.EVERYONE) == wire.public_filter(Route.EVERYONE)
    other = Wire(TOPICS, "b", SessionOptions(), secret=b"0123456789abcdef")
    assert other.route_filter(Route.SHARED) == sealed
    check_filters([sealed])


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
        "fluid/feature/a",
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


# Messages.


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


def test_what_we_say_of_ourselves_is_read_as_it_was_meant() -> None:
    said = presence("a", 7, serving=Mode.HA, term=3, leader="b")
    assert WIRE.reader.control_events(WIRE.presence(said)) == [seen.PresenceSeen(said)]
    beat = Heartbeat("a", 7, 3, queue=2, busy=0.5)
    assert WIRE.reader.control_events(WIRE.heartbeat(beat)) == [seen.HeartbeatSeen(beat)]
    assert WIRE.heartbeat(beat).qos == 0
    probe = WIRE.probe(do.OpenControl(1, offline("a"), beat))
    assert (probe.qos, probe.retain) == (1, False)
    state = cluster_state(4, "a", members=("a",), placement={"lower": ("a",)})
    published = WIRE.cluster(do.PublishCluster(state))
    assert published.retain
    assert WIRE.reader.control_events(published) == [seen.ClusterSeen(state, retained=True)]
    live = replace(published, retain=False)
    assert WIRE.reader.control_events(live) == [seen.ClusterSeen(state, retained=False)]


def test_shares_and_notices_find_their_way() -> None:
    shares = (partial("1", "a", "lower50"), partial("1", "c", "upper50"))
    sent = WIRE.partials(do.SendPartials("b", shares))
    assert (sent.topic, sent.qos) == ("fluid/partial/b", 1)
    events = Wire(TOPICS, "b", SessionOptions()).reader.control_events(sent)
    assert isinstance(events, list)
    assert [type(event) for event in events] == [seen.PartialSeen, seen.PartialSeen]
    notice = Done((request("1").key,), settled=True)
    said = WIRE.notice(do.SendDone(notice))
    assert decode_notice(said.payload) == notice
    assert WIRE.reader.control_events(said) == [seen.DoneSeen(notice)]


def test_feature_maps_find_their_way() -> None:
    sent = WIRE.features(do.SendFeatures("b", (feature("1", "a"), feature("2", "a", 1))))
    assert (sent.topic, sent.qos) == ("fluid/feature/b", 1)
    events = Wire(TOPICS, "b", SessionOptions()).reader.control_events(sent)
    assert isinstance(events, list)
    assert [type(event) for event in events] == [seen.FeatureSeen, seen.FeatureSeen]
    assert WIRE.reader.control_events(sent) != events  # they are for b


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
    assert WIRE.reader.control_events(message) == [seen.AttemptSeen("a", keys)]
    cleared = WIRE.attempt(do.WriteAttempt("a", (), token=2))
    assert cleared.payload == b""
    assert WIRE.reader.control_events(cleared) == [seen.AttemptSeen("a", ())]


def test_a_list_of_the_condemned_is_retained_and_comes_round_as_it_was_written() -> None:
    keys = (request("2").key, request("1").key)
    message = WIRE.condemned(do.PublishCondemned(keys))
    assert (message.topic, message.qos, message.retain) == ("fluid/condemned/a", 1, True)
    assert WIRE.reader.control_events(message) == [seen.CondemnedSeen("a", keys)]


def test_whoever_is_forgotten_leaves_no_record() -> None:
    cleared = WIRE.cleared_records("b")
    assert {message.topic for message in cleared} == {"fluid/term/b", "fluid/condemned/b"}
    assert all((message.payload, message.retain) == (b"", True) for message in cleared)
