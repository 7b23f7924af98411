import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.topology import Block, Topology


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


def test_three_slots_also_name_what_is_left_when_one_is_lost() -> None:
    names = {
        spec.name: tuple(sub_model.slot for sub_model in spec.sub_models)
        for spec in Topology.of(3).sub_networks()
    }
    assert names["middle33+upper33"] == (1, 2)
    assert names["lower33+upper33"] == (0, 2)
    assert names["67"] == (0, 1)
    assert names["100"] == (0, 1, 2)


def test_numbered_slots_keep_their_number_apart_from_the_width() -> None:
    assert Topology.of(4).sub_models()[0].name == "slot1-12"


def test_one_slot_has_its_widths_and_nothing_else() -> None:
    assert [spec.name for spec in Topology.of(1).sub_networks()] == ["whole50", "whole100"]


@given(slots=st.integers(1, 6), steps=st.integers(1, 4))
def test_names_are_unique_and_growth_adds_one_block_at_a_time(slots: int, steps: int) -> None:
    widths = tuple(step / steps for step in range(1, steps + 1))
    topology = Topology.of(slots, widths=widths)
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
