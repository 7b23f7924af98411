import pytest

from fluid.demo.stage import AGENTS, slots_each


@pytest.mark.parametrize("slots", range(2, 9))
def test_all_agents_together_have_room_for_every_slot_and_no_more_than_they_need(
    slots: int,
) -> None:
    assert slots_each(slots) * len(AGENTS) >= slots
    assert (slots_each(slots) - 1) * len(AGENTS) < slots
