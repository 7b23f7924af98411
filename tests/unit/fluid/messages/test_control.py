import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluid.messages import (
    AgentState,
    ClusterState,
    Heartbeat,
    Malformed,
    Mode,
    Presence,
    Role,
    decode_cluster,
    decode_heartbeat,
    decode_mode_request,
    decode_presence,
)

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
COUNTS = st.integers(0, 2**53)
STATE_MODES = st.sampled_from([Mode.HA, Mode.HT])
MODES = st.sampled_from(Mode)

PRESENCES = st.builds(
    Presence,
    agent=NAMES,
    state=st.sampled_from(AgentState),
    role=st.sampled_from(Role),
    priority=COUNTS,
    incarnation=COUNTS,
    bundle=NAMES,
    max_slots=COUNTS,
    vote=MODES,
    interpreter=NAMES,
    slots=st.lists(NAMES, max_size=4, unique=True).map(tuple),
    pins=st.lists(NAMES, max_size=4, unique=True).map(tuple),
    capacity=st.floats(0.001, 1000.0),
    in_flight=COUNTS,
    unheeded=st.none() | MODES,
)
HEARTBEATS = st.builds(
    Heartbeat,
    agent=NAMES,
    incarnation=COUNTS,
    sequence=COUNTS,
    queue=COUNTS,
    busy=st.integers(0, 1000).map(lambda thousandths: thousandths / 1000),
)
STATES = st.builds(
    ClusterState,
    term=COUNTS,
    epoch=COUNTS,
    leader=NAMES,
    mode=STATE_MODES,
    operator_mode=MODES,
    members=st.lists(NAMES, max_size=4).map(tuple),
    placement=st.dictionaries(NAMES, st.lists(NAMES, max_size=3).map(tuple), max_size=3),
)

DECODERS: list[Callable[[bytes], object]] = [
    decode_presence,
    decode_heartbeat,
    decode_cluster,
    decode_mode_request,
]


@given(PRESENCES)
def test_presence_comes_back_as_it_was(presence: Presence) -> None:
    assert decode_presence(presence.encode()) == presence


@given(HEARTBEATS)
def test_heartbeat_comes_back_as_it_was(heartbeat: Heartbeat) -> None:
    assert decode_heartbeat(heartbeat.encode()) == heartbeat


@given(STATES)
def test_cluster_state_comes_back_as_it_was(state: ClusterState) -> None:
    assert decode_cluster(state.encode()) == state


@given(MODES, st.sampled_from(["{}", "{}\n", "  {}  ", "{}\r\n"]))
def test_a_mode_request_is_read_with_or_without_space_around(mode: Mode, frame: str) -> None:
    assert decode_mode_request(frame.format(mode.upper()).encode()) is mode


@given(st.sampled_from(DECODERS), st.binary())
def test_decoding_arbitrary_bytes_never_raises(
    decode: Callable[[bytes], object], payload: bytes
) -> None:
    # No random bytes spell a whole message; a mode's two letters they may.
    assert isinstance(decode(payload), Malformed | Mode)


@given(st.sampled_from(DECODERS[:3]), st.sampled_from([PRESENCES, HEARTBEATS, STATES]), st.data())
def test_decoding_a_message_with_any_field_replaced_never_raises(
    decode: Callable[[bytes], object],
    messages: st.SearchStrategy[Presence | Heartbeat | ClusterState],
    data: st.DataObject,
) -> None:
    document = json.loads(data.draw(messages).encode())
    field = data.draw(st.sampled_from(sorted(document)))
    document[field] = data.draw(
        st.none() | st.booleans() | st.floats() | st.text() | st.lists(st.integers(), max_size=2)
    )
    outcome = decode(json.dumps(document).encode())
    assert isinstance(outcome, Malformed | Presence | Heartbeat | ClusterState)


@pytest.mark.parametrize("decode", DECODERS[:3])
def test_json_nested_without_end_is_malformed(decode: Callable[[bytes], object]) -> None:
    assert isinstance(decode(b"[" * 200_000), Malformed)


def test_fields_of_a_newer_version_are_ignored() -> None:
    heartbeat = Heartbeat("pi-1", 1, 2)
    document = json.loads(heartbeat.encode()) | {"temperature_c": 61.5}
    assert decode_heartbeat(json.dumps(document).encode()) == heartbeat


def test_a_cluster_is_never_in_the_mode_auto() -> None:
    document = json.loads(ClusterState(1, 0, "a", Mode.HA).encode()) | {"mode": "auto"}
    outcome = decode_cluster(json.dumps(document).encode())
    assert outcome == Malformed("'mode' must be ha or ht")


def test_slots_of_an_agent_come_in_the_placements_order() -> None:
    placement = {"upper": ("a",), "middle": ("b",), "lower": ("b", "a")}
    state = ClusterState(1, 0, "a", Mode.HA, placement=placement)
    assert state.slots_of("a") == ("upper", "lower")
    assert state.slots_of("stranger") == ()


def test_a_master_goes_before_a_worker() -> None:
    assert Role.MASTER.priority > Role.WORKER.priority


def test_a_number_that_json_has_not_is_never_sent() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        Heartbeat("pi-1", 1, 2, busy=float("nan")).encode()


@pytest.mark.parametrize(("said", "meant"), [(1e308, 1.0), (1.0001, 1.0), (-3.0, 0.0), (0.4, 0.4)])
def test_nobody_is_busier_than_all_the_time(said: float, meant: float) -> None:
    heard = decode_heartbeat(Heartbeat("pi-1", 1, 2, busy=said).encode())
    assert isinstance(heard, Heartbeat)
    assert heard.busy == meant


@pytest.mark.parametrize("field", ["term", "incarnation"])
def test_a_count_of_thousands_of_digits_is_malformed(field: str) -> None:
    """Counted on from, it could be read but not written: retained, it would end each agent."""
    document = Presence("pi-1", AgentState.ONLINE, Role.WORKER, 10, 1, "abc").encode()
    payload = json.dumps(json.loads(document) | {field: 10**4299}).encode()
    assert decode_presence(payload) == Malformed(f"'{field}' must be an integer of at most 62 bits")


def presence_with(**fields: object) -> bytes:
    document = Presence("pi-1", AgentState.ONLINE, Role.WORKER, 10, 1, "abc").encode()
    return json.dumps(json.loads(document) | fields).encode()


def test_an_agent_that_does_not_say_what_it_can_do_is_like_any_other() -> None:
    document = json.loads(presence_with())
    for field in ("slots", "pins", "capacity", "in_flight", "unheeded"):
        del document[field]
    presence = decode_presence(json.dumps(document).encode())
    assert presence == Presence("pi-1", AgentState.ONLINE, Role.WORKER, 10, 1, "abc")


@pytest.mark.parametrize("capacity", [0, -1.0, 1e-9, 1e9, 10**400, float("nan"), "2", None])
def test_a_capacity_that_nobody_can_have_is_malformed(capacity: object) -> None:
    outcome = decode_presence(presence_with(capacity=capacity))
    assert isinstance(outcome, Malformed)
    assert "'capacity' must be" in outcome.reason


@pytest.mark.parametrize("field", ["slots", "pins"])
def test_slots_that_could_not_be_placed_are_malformed(field: str) -> None:
    reason = f"'{field}' must be at most 256 different names"
    many = [f"slot-{index}" for index in range(257)]
    assert decode_presence(presence_with(**{field: many})) == Malformed(reason)
    assert decode_presence(presence_with(**{field: ["a", "b", "a"]})) == Malformed(reason)
    assert isinstance(decode_presence(presence_with(**{field: many[:256]})), Presence)
