import pytest

from edge_agent.option_types import Capacity, Duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90.0), ("0", 0.0), ("1.5", 1.5), ("90s", 90.0), ("15m", 900.0), ("24H", 86_400.0),
     ("7d", 604_800.0), ("0.5 h", 1800.0)],
)  # fmt: skip
def test_a_span_is_read_with_or_without_its_unit(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


def test_a_capacity_is_a_number_above_zero() -> None:
    assert Capacity().convert("2.5", None, None) == 2.5
