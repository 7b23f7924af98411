import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.topology import Block, Family, Topology


def test_two_slots_of_two_widths_carry_the_papers_names() -> None:
    topology = Topology.of(2)
    assert [spec.name for spec in topology.sub_models()] == [
        "lower25",
        "lower50",
        "upper25",
        "upper50",
    ]
    assert {
        spec.name: [sub_model.name for sub_model in spec.sub_models]
        for spec in topology.sub_networks()
    } == {
        "lower25": ["lower25"],
        "lower50": ["lower50"],
        "75": ["lower50", "upper25"],
        "100": ["lower50", "upper50"],
        "upper25": ["upper25"],
        "upper50": ["upper50"],
    }


def test_in_a_dynamic_network_the_upper_part_works_only_with_the_lower() -> None:
    topology = Topology.of(2, family=Family.DYNAMIC)
    assert [spec.name for spec in topology.sub_networks()] == ["lower25", "lower50", "75", "100"]
    assert topology.alone() == ()


@pytest.mark.parametrize("slots", [1, 2, 4])
def test_a_static_network_is_one_sub_network_of_one_width(slots: int) -> None:
    topology = Topology.of(slots, family=Family.STATIC)
    assert [spec.name for spec in topology.sub_networks()] == ["100"]
    assert topology.blocks() == tuple(Block(slot, 0) for slot in range(slots))


def test_a_static_network_of_several_widths_is_refused() -> None:
    with pytest.raises(ValueError, match=r"width 1\.0 alone"):
        Topology.of(2, widths=(0.5, 1.0), family=Family.STATIC)


@pytest.mark.parametrize(
    ("family", "read"),
    [
        (Family.FLUID, [[0], [1], [2]]),
        (Family.DYNAMIC, [[0], [0, 1], [0, 1, 2]]),
        (Family.STATIC, [[0, 1, 2]] * 3),
    ],
)
def test_a_family_says_which_slots_a_slot_reads(family: Family, read: list[list[int]]) -> None:
    topology = Topology.of(3, family=family)
    assert [list(topology.reads(slot)) for slot in range(3)] == read


def test_three_slots_also_name_what_is_left_when_one_is_lost() -> None:
    names = {
        spec.name: tuple(sub_model.slot for sub_model in spec.sub_models)
        for spec in Topology.of(3).sub_networks()
    }
    assert names["middle33+upper33"] == (1, 2)
    assert names["lower33+upper33"] == (0, 2)
    assert names["67"] == (0, 1)
    assert names["100"] == (0, 1, 2)


def test_four_slots_of_one_width_grow_a_quarter_at_a_time() -> None:
    topology = Topology.of(4, widths=(1.0,))
    assert [spec.name for spec in topology.growth()] == ["slot1-25", "50", "75", "100"]
    assert [spec.name for spec in topology.alone()] == ["slot2-25", "slot3-25", "slot4-25"]


def test_numbered_slots_keep_their_number_apart_from_the_width() -> None:
    assert Topology.of(4).sub_models()[0].name == "slot1-12"


def test_one_slot_has_its_widths_and_nothing_else() -> None:
    assert [spec.name for spec in Topology.of(1).sub_networks()] == ["whole50", "whole100"]


@given(
    slots=st.integers(1, 6),
    steps=st.integers(1, 4),
    family=st.sampled_from([Family.FLUID, Family.DYNAMIC]),
)
def test_names_are_unique_and_growth_adds_one_block_at_a_time(
    slots: int, steps: int, family: Family
) -> None:
    widths = tuple(step / steps for step in range(1, steps + 1))
    topology = Topology.of(slots, widths=widths, family=family)
    names = [spec.name for spec in topology.sub_networks()]
    assert len(set(names)) == len(names)
    grown: tuple[Block, ...] = ()
    for spec in topology.growth():
        assert spec.blocks[:-1] == grown
        grown = spec.blocks
    assert len(grown) == slots * steps


@pytest.mark.parametrize("widths", [(), (0.5,), (1.0, 0.5), (0.0, 1.0), (0.5, 0.5, 1.0)])
def test_widths_that_do_not_grow_to_one_are_refused(widths: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="widths must grow"):
        Topology.of(2, widths=widths)


def test_widths_too_close_to_be_told_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="give names"):
        Topology.of(2, widths=(0.5, 0.501, 1.0))


def test_slots_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="give names"):
        Topology(("a", "a"))
