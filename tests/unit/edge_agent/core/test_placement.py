from collections.abc import Sequence
from itertools import combinations
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.placement import place, place_groups
from fluid.messages import Presence, Role
from tests.unit.edge_agent.making import DIGEST, OTHER_DIGEST, presence

SLOTS = ("lower", "upper")


def master(agent: str, **changes: Any) -> Presence:
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


def test_a_slot_that_a_survivor_took_over_is_given_back() -> None:
    survivor, back = presence("w", max_slots=2), master("m", max_slots=2)
    alone = place(SLOTS, [survivor], {"lower": ("m",), "upper": ("w",)})
    assert alone == {"lower": ("w",), "upper": ("w",)}
    assert place(SLOTS, [survivor, back], alone) == {"lower": ("m",), "upper": ("w",)}


def test_a_newcomer_goes_where_the_least_capacity_is() -> None:
    before = {"lower": ("a",), "upper": ("b", "c")}
    members = [presence("a", capacity=4.0), presence("b"), presence("c"), presence("new")]
    assert place(SLOTS, members, before) == {"lower": ("a",), "upper": ("b", "c", "new")}


def test_one_of_three_moves_to_the_slot_that_has_one_and_then_nothing_moves() -> None:
    members = [presence(agent) for agent in "abcd"]
    placed = place(SLOTS, members, {"lower": ("a", "b", "c"), "upper": ("d",)})
    assert {slot: len(holders) for slot, holders in placed.items()} == {"lower": 2, "upper": 2}
    assert "d" in placed["upper"]
    before = {"lower": ("a", "b"), "upper": ("d",)}
    assert place(SLOTS, [members[0], members[1], members[3]], before) == before


def test_a_weak_device_more_or_less_is_not_worth_a_move() -> None:
    members = [presence("a"), presence("b", capacity=0.1), presence("c")]
    before = {"lower": ("a", "b"), "upper": ("c",)}
    assert place(SLOTS, members, before) == before


def test_work_of_many_slots_is_shared_with_who_has_room() -> None:
    slots = ("a", "b", "c", "d")
    before = dict.fromkeys(slots, ("m",))
    placed = place(slots, [master("m", max_slots=4), presence("w", max_slots=4)], before)
    assert sorted(map(len, placed.values())) == [1, 1, 1, 1]
    assert sum("w" in holders for holders in placed.values()) == 2


def test_where_there_is_no_room_some_slots_stay_empty() -> None:
    placed = place(("a", "b", "c"), [presence("x"), presence("y")], {})
    assert sorted(holders for holders in placed.values()) == [(), ("x",), ("y",)]


# Pins.


def test_a_pinned_device_holds_nothing_else() -> None:
    assert place(SLOTS, [presence("w", pins=("lower",))], {"upper": ("w",)}) == {
        "lower": ("w",),
        "upper": (),
    }


def test_a_pinned_newcomer_makes_another_move_to_what_is_empty() -> None:
    slots = ("a", "b", "c")
    before = {"a": ("x",), "b": ("y",), "c": ()}
    members = [presence("x"), presence("y"), presence("new", pins=("b",))]
    assert place(slots, members, before) == {"a": ("x",), "b": ("new",), "c": ("y",)}


def test_a_chain_of_moves_covers_what_no_single_move_could() -> None:
    slots = ("a", "b", "c")
    before = {"a": ("x",), "b": ("y",), "c": ()}
    members = [
        presence("new", pins=("a",)),
        presence("x", pins=("a", "b")),
        presence("y", pins=("b", "c")),
    ]
    assert place(slots, members, before) == {"a": ("new",), "b": ("x",), "c": ("y",)}


def test_pins_to_slots_that_the_bundle_does_not_have_hold_nothing() -> None:
    assert place(SLOTS, [presence("w", pins=("elsewhere",))], {}) == {"lower": (), "upper": ()}


# Two bundles side by side.


def test_the_members_of_each_bundle_cover_its_own_slots() -> None:
    old = [presence(agent, slots=SLOTS) for agent in "ab"]
    new = [presence(agent, bundle=OTHER_DIGEST, slots=("lower", "left", "right")) for agent in "cd"]
    before = {"lower": ("b", "d"), "upper": ("a", "c")}
    placed = place_groups([*old, *new], before, own_slots=SLOTS)
    assert list(placed) == ["lower", "upper", "left", "right"]
    assert placed["lower"] == ("b", "d")  # each kept, for its own bundle
    assert placed["upper"] == ("a",)  # the new bundle has no such slot
    assert placed["left"] + placed["right"] == ("c",)
    assert place_groups([*old, *new], placed, own_slots=SLOTS) == placed


def test_a_lone_member_of_a_bundle_takes_as_much_of_it_as_it_may() -> None:
    members = [
        presence("a", slots=SLOTS, max_slots=2),
        presence("b", bundle=OTHER_DIGEST, slots=SLOTS, max_slots=2),
    ]
    both = ("a", "b")
    assert place_groups(members, {}, own_slots=SLOTS) == {"lower": both, "upper": both}


def test_a_device_that_does_not_say_its_slots_is_taken_to_have_the_leaders() -> None:
    assert place_groups([presence("a", bundle=DIGEST)], {}, own_slots=SLOTS) == {
        "lower": (),
        "upper": ("a",),
    }


# What holds for all placements.

SLOT_NAMES = ("p", "q", "r", "s")
all_slots = st.integers(1, 4).map(lambda count: SLOT_NAMES[:count])
members_of_any_kind = st.lists(
    st.builds(
        presence,
        st.sampled_from("abcdefgh"),
        role=st.sampled_from(Role),
        max_slots=st.integers(0, 4),
        pins=st.lists(st.sampled_from([*SLOT_NAMES, "unknown"]), unique=True).map(tuple),
        capacity=st.sampled_from([0.1, 0.5, 1.0, 2.5, 100.0]),
    ),
    unique_by=lambda member: member.agent,
    min_size=1,
    max_size=8,
)
placements = st.dictionaries(
    st.sampled_from([*SLOT_NAMES, "unknown"]),
    st.lists(st.sampled_from("abcdefghx"), unique=True).map(tuple),
)


def choices_of(member: Presence, slots: Sequence[str]) -> set[str]:
    return {slot for slot in slots if not member.pins or slot in member.pins}


def most_that_can_be_held(slots: Sequence[str], members: Sequence[Presence]) -> int:
    """The greatest flow from members to slots, told from its narrowest cut."""
    return min(
        len(slots)
        - len(wanted)
        + sum(min(each.max_slots, len(choices_of(each, wanted))) for each in members)
        for count in range(len(slots) + 1)
        for wanted in combinations(slots, count)
    )


@given(all_slots, members_of_any_kind, placements)
def test_as_many_slots_are_held_as_pins_and_room_allow(
    slots: tuple[str, ...], members: list[Presence], before: dict[str, tuple[str, ...]]
) -> None:
    placed = place(slots, members, before)
    assert tuple(placed) == slots
    covered = sum(bool(holders) for holders in placed.values())
    assert covered == most_that_can_be_held(slots, members)
    assert {agent for holders in placed.values() for agent in holders} <= {
        member.agent for member in members
    }
    for member in members:
        held = {slot for slot in slots if member.agent in placed[slot]}
        assert held <= choices_of(member, slots)
        assert len(held) <= member.max_slots
        assert held or not member.max_slots or not choices_of(member, slots)


@given(all_slots, members_of_any_kind, placements)
def test_more_than_one_slot_is_held_only_where_nobody_else_holds_it(
    slots: tuple[str, ...], members: list[Presence], before: dict[str, tuple[str, ...]]
) -> None:
    placed = place(slots, members, before)
    for member in members:
        held = [slot for slot in slots if member.agent in placed[slot]]
        if len(held) > 1:
            assert all(placed[slot] == (member.agent,) for slot in held)


@given(all_slots, members_of_any_kind, placements)
def test_placing_again_moves_nothing(
    slots: tuple[str, ...], members: list[Presence], before: dict[str, tuple[str, ...]]
) -> None:
    placed = place(slots, members, before)
    assert place(slots, members, placed) == placed


@given(st.data(), all_slots, members_of_any_kind, placements)
def test_the_order_of_members_and_of_holders_does_not_matter(
    data: st.DataObject,
    slots: tuple[str, ...],
    members: list[Presence],
    before: dict[str, tuple[str, ...]],
) -> None:
    shuffled = data.draw(st.permutations(members))
    turned = {slot: before[slot][::-1] for slot in reversed(before)}
    assert place(slots, shuffled, turned) == place(slots, members, before)


@given(st.integers(1, 8), all_slots, st.randoms(use_true_random=False))
def test_equal_devices_that_join_one_by_one_never_move_and_end_up_even(
    count: int, slots: tuple[str, ...], random: Random
) -> None:
    agents = random.sample("abcdefgh", count)
    placed: dict[str, tuple[str, ...]] = {}
    for joined in range(1, count + 1):
        before = placed
        placed = place(slots, [presence(agent) for agent in agents[:joined]], before)
        assert all(set(before.get(slot, ())) <= set(placed[slot]) for slot in slots)
    sizes = [len(holders) for holders in placed.values()]
    assert max(sizes) - min(sizes) <= 1
