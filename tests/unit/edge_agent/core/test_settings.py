import pytest

from tests.unit.edge_agent.making import settings


def test_pins_are_slots_of_the_bundle_and_no_more_than_may_be_held() -> None:
    assert settings(pins=("lower", "upper"), max_slots=2).pins == ("lower", "upper")
    with pytest.raises(ValueError, match="no slot 'middle' to pin to; its slots are lower, upper"):
        settings(pins=("middle", "lower"))
    with pytest.raises(ValueError, match="lower, upper are pinned, which is more than"):
        settings(pins=("lower", "upper"), max_slots=1)
