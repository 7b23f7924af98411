"""Whatever strangers send, the wire makes something of it."""

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.wire import SessionOptions, Wire
from edge_agent.wishes import HANDOVERS_PROPERTY
from fluid.bus import Delivered, Message
from fluid.bus.rules import check_message
from fluid.messages import (
    DEADLINE_PROPERTY,
    MIN_SUBNETWORK_PROPERTY,
    Done,
    ErrorReply,
    Malformed,
    Mode,
    decode_partials,
    encode_partials,
)
from fluid.topics import Topics
from tests.unit.edge_agent.making import (
    cluster_state,
    heartbeat,
    partial,
    presence,
    request,
)

WIRE = Wire(Topics("fluid"), "a", SessionOptions())


ENCODED = (
    presence("a", 3, serving=Mode.HT).encode(),
    heartbeat("a").encode(),
    cluster_state(3, "b", placement={"lower": ("a",)}).encode(),
    encode_partials([partial("1", "b", "upper50")]),
    Done((request("1").key,)).encode(),
)


def damaged(payload: bytes, position: int, insert: bytes, cut: int) -> bytes:
    start = position % (len(payload) + 1)
    return payload[:start] + insert + payload[start + cut :]


payloads = st.one_of(
    st.binary(max_size=200),
    st.builds(
        damaged,
        st.sampled_from(ENCODED),
        st.integers(0, 500),
        st.binary(max_size=4),
        st.integers(0, 20),
    ),
)
topic_names = st.one_of(
    st.sampled_from(
        [
            "fluid/infer",
            "fluid/infer/7",
            "fluid/presence/a",
            "fluid/presence/",
            "fluid/heartbeat/a",
            "fluid/cluster",
            "fluid/mode/set",
            "fluid/partial/a",
            "fluid/feature/a",
            "fluid/done",
            "fluid/adopt/a",
            "fluid/attempt/a",
            "fluid",
        ]
    ),
    st.text(st.characters(exclude_characters="+#\0", codec="utf-8"), min_size=1, max_size=30),
)
property_texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
messages = st.builds(
    Message,
    topic_names,
    payloads,
    qos=st.integers(0, 2),
    retain=st.booleans(),
    response_topic=st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=20)),
    correlation=st.one_of(st.none(), st.binary(max_size=40)),
    user_properties=st.lists(
        st.tuples(
            st.one_of(
                st.sampled_from((HANDOVERS_PROPERTY, DEADLINE_PROPERTY, MIN_SUBNETWORK_PROPERTY)),
                property_texts,
            ),
            property_texts,
        ),
        max_size=3,
    ).map(tuple),
)


@given(messages)
def test_whatever_comes_on_the_control_link_is_events_or_malformed(message: Message) -> None:
    events = WIRE.reader.control_events(message)
    if not isinstance(events, Malformed):
        assert all(type(event).__name__.endswith(("Seen", "Cleared", "Wished")) for event in events)


@given(messages, st.integers(0, 5), st.lists(st.integers(0, 3), max_size=2).map(tuple))
def test_whatever_comes_on_a_session_can_be_answered_and_acknowledged(
    message: Message, ack_id: int, identifiers: tuple[int, ...]
) -> None:
    delivered = Delivered(message, ack_id, subscription_ids=identifiers)
    event = WIRE.reader.infer_event(delivered)
    assert isinstance(event, seen.RequestArrived | seen.StrayArrived)
    assert event.ack_id == ack_id
    if isinstance(event, seen.RequestArrived):
        error = (ErrorReply(event.request.id, "x", "y"),)
        check_message(WIRE.reply(do.SendReply(event.request, error, as_list=False, token=1)))
    adopted = WIRE.reader.adoption_event("dead", delivered)
    assert isinstance(adopted, seen.AdoptionRequest | seen.AdoptionMarker)
    if isinstance(adopted, seen.AdoptionRequest) and adopted.request.fault is None:
        check_message(WIRE.handover(do.RepublishAdopted("dead", adopted.request, 1, token=1)))


@given(st.binary(max_size=300))
def test_shares_of_any_bytes_never_raise(payload: bytes) -> None:
    shares = decode_partials(payload)
    events = WIRE.reader.control_events(Message("fluid/partial/a", payload))
    assert isinstance(events, Malformed) == isinstance(shares, Malformed)
