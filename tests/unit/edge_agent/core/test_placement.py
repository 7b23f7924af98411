from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.placement import place
from fluid.messages import Presence, Role
from tests.unit.edge_agent.making import presence

SLOTS = ("lower", "upper")


def master(agent: str, **changes: int) -> Presence:
    return presence(agent, role=Role.MASTER, priority=Role.MASTER.priority, **changes)


def test_master_takes_the_first_slot_and_worker_the_last_whoever_comes_first() -> None:
    m, w = master("m"), presence("w")
    for first, second in ((m, w), (w, m)):
        alone = place(SLOTS, [first], {})
        assert place(SLOTS, [first, second], alone) == {"lower": ("m",), "upper": ("w",)}


def test_the_survivor_keeps_its_own_half() -> None:
    both = {"lower": ("m",), "upper": ("w",)}
    assert place(SLOTS, [presence("w")], both) == {"lower": (), "upper": ("w",)}
    assert place(SLOTS, [master("m")], both) == {"lower": ("m",), "upper": ()}


def test_the_survivor_takes_both_where_it_has_room() -> None:
    both = {"lower": ("m",), "upper": ("w",)}
    assert place(SLOTS, [presence("w", max_slots=2)], both) == {"lower": ("w",), "upper": ("w",)}


def test_an_empty_slot_is_given_to_one_of_several_that_hold_the_same() -> None:
    before = {"lower": ("m",), "upper": ("w1", "w2")}
    placed = place(SLOTS, [presence("w1"), presence("w2")], before)
    assert sorted(placed["lower"] + placed["upper"]) == ["w1", "w2"]
    assert all(placed[slot] for slot in SLOTS)


def test_a_member_that_may_hold_nothing_gets_nothing() -> None:
    members = [presence("a", max_slots=0), presence("b")]
    placed = place(SLOTS, members, {"lower": ("a",)})
    assert placed == {"lower": (), "upper": ("b",)}


members_of_any_kind = st.lists(
    st.builds(
        lambda agent, role, max_slots: presence(agent, role=role, max_slots=max_slots),
        st.sampled_from("abcdefgh"),
        st.sampled_from(Role),
        st.integers(0, 4),
    ),
    unique_by=lambda member: member.agent,
    max_size=8,
)
slot_names = st.lists(st.sampled_from("pqrst"), min_size=1, max_size=5, unique=True)


@given(st.data(), slot_names, members_of_any_kind)
def test_every_member_with_room_works_and_no_slot_is_empty_without_need(
    data: st.DataObject, slots: list[str], members: list[Presence]
) -> None:
    before: dict[str, tuple[str, ...]] = {}
    # Members join one after the other, as they do; then some leave.
    for count in range(len(members) + 1):
        before = place(slots, members[:count], before)
    staying = [member for member in members if data.draw(st.booleans(), member.agent)]
    placed = place(slots, staying, before)

    assert list(placed) == slots
    rooms = {member.agent: member.max_slots for member in staying}
    held = {agent: [slot for slot in slots if agent in placed[slot]] for agent in rooms}
    assert {agent for holders in placed.values() for agent in holders} <= rooms.keys()
    for agent, room in rooms.items():
        assert min(room, 1) <= len(held[agent]) <= room
    if any(not placed[slot] for slot in slots):
        assert all(len(held[agent]) == room for agent, room in rooms.items())
        assert all(len(holders) <= 1 for holders in placed.values())


@given(slot_names, members_of_any_kind)
def test_placing_again_moves_nothing(slots: list[str], members: list[Presence]) -> None:
    placed = place(slots, members, {})
    assert place(slots, members, placed) == placed
