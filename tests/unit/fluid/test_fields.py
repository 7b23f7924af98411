from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluid.fields import GREATEST_INTEGER, LEAST_INTEGER, FieldError, Fields

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)

READERS: list[Callable[[Fields, str], object]] = [
    Fields.text,
    Fields.optional_text,
    Fields.integer,
    Fields.number,
    Fields.optional_number,
    Fields.texts,
    Fields.integers,
    Fields.numbers,
    Fields.child,
    Fields.children,
]


def test_reads_each_type() -> None:
    fields = Fields({"t": "x", "i": 3, "n": 2.5, "ts": ["a"], "is": [1], "ns": [1, 0.5]})
    assert fields.text("t") == "x"
    assert fields.integer("i") == 3
    assert fields.number("n") == 2.5
    assert fields.texts("ts") == ("a",)
    assert fields.integers("is") == (1,)
    assert fields.numbers("ns") == (1.0, 0.5)
    assert fields.names() == ("t", "i", "n", "ts", "is", "ns")


def test_an_integer_is_a_number() -> None:
    number = Fields({"n": 3}).number("n")
    assert number == 3.0
    assert isinstance(number, float)


@pytest.mark.parametrize("reader", [Fields.integer, Fields.number])
def test_a_boolean_is_no_number(reader: Callable[[Fields, str], object]) -> None:
    with pytest.raises(FieldError):
        reader(Fields({"n": True}), "n")


@pytest.mark.parametrize("reader", [Fields.integers, Fields.numbers])
def test_a_list_with_a_boolean_is_no_list_of_numbers(
    reader: Callable[[Fields, str], object],
) -> None:
    with pytest.raises(FieldError):
        reader(Fields({"n": [1, True]}), "n")


def test_an_optional_field_may_be_missing_or_null_but_not_of_another_type() -> None:
    assert Fields({}).optional_text("a") is None
    assert Fields({"a": None}).optional_number("a") is None
    with pytest.raises(FieldError, match="'a' must be a string"):
        Fields({"a": 3}).optional_text("a")


def test_a_missing_field_is_named_with_its_path() -> None:
    fields = Fields({"input": {"shape": [{}]}})
    (item,) = fields.child("input").children("shape")
    with pytest.raises(FieldError, match=r"'input\.shape\[0\]\.width' is missing"):
        item.integer("width")


@given(JSON.filter(lambda value: not isinstance(value, dict)))
def test_only_objects_have_fields(value: object) -> None:
    with pytest.raises(FieldError, match="the document must be a JSON object"):
        Fields(value)


@given(JSON, st.sampled_from(READERS))
def test_readers_return_or_raise_field_error_and_nothing_else(
    value: object, reader: Callable[[Fields, str], object]
) -> None:
    try:
        reader(Fields({"field": value}), "field")
    except FieldError as error:
        assert "field" in str(error)  # noqa: PT017 -- either outcome is right


@pytest.mark.parametrize(
    "value", [10**400, [10**400], float("nan"), [float("inf")]], ids=["int", "ints", "nan", "inf"]
)
def test_a_number_that_is_not_finite_is_a_field_error(value: object) -> None:
    reader = Fields.numbers if isinstance(value, list) else Fields.number
    with pytest.raises(FieldError):
        reader(Fields({"field": value}), "field")


@pytest.mark.parametrize("value", [LEAST_INTEGER, GREATEST_INTEGER])
def test_the_integers_at_the_bounds_are_read(value: int) -> None:
    fields = Fields({"one": value, "many": [0, value]})
    assert fields.integer("one") == value
    assert fields.integers("many") == (0, value)
    assert -(2**63) <= value < value + 1 < 2**63  # what it is for


@pytest.mark.parametrize("value", [LEAST_INTEGER - 1, GREATEST_INTEGER + 1, 10**4299])
def test_an_integer_that_cannot_be_counted_on_from_is_a_field_error(value: int) -> None:
    fields = Fields({"one": value, "many": [0, value]})
    with pytest.raises(FieldError, match="'one' must be an integer of at most 62 bits"):
        fields.integer("one")
    with pytest.raises(FieldError, match="'many' must be an integer of at most 62 bits"):
        fields.integers("many")
