import pytest

from edge_agent.wishes import Wishes, read_wishes
from fluid.bus import Message
from fluid.errors import ErrorCode


def wishes_of(*properties: tuple[str, str]) -> Wishes:
    return read_wishes(Message("fluid/infer", b"image", qos=1, user_properties=properties))


def test_nothing_is_asked_for_unless_it_is_said() -> None:
    wishes = wishes_of(("x", "y"))
    assert (wishes.minimum, wishes.deadline_s, wishes.fault) == (None, None, None)
    assert wishes.distinguish() == b""


def test_a_minimum_and_a_deadline_are_read() -> None:
    wishes = wishes_of(("fluid-min-subnetwork", "lower50"), ("fluid-deadline-ms", "250"))
    assert (wishes.minimum, wishes.deadline_s, wishes.fault) == ("lower50", 0.25, None)


def test_of_two_values_the_first_counts() -> None:
    assert wishes_of(("fluid-deadline-ms", "1000"), ("fluid-deadline-ms", "2")).deadline_s == 1.0


@pytest.mark.parametrize("value", ["", "0", "-5", "0.5", "soon", "86400001", "9" * 400, "٣", "²"])
def test_a_deadline_that_is_none_is_refused_with_what_to_write(value: str) -> None:
    wishes = wishes_of(("fluid-deadline-ms", value))
    assert wishes.deadline_s is None
    assert wishes.fault is not None
    assert wishes.fault.code is ErrorCode.BAD_PROPERTY
    assert "write whole milliseconds from 1 to 86400000, for example 250" in wishes.fault.message
    assert len(wishes.fault.message) < 250


def test_requests_that_ask_for_different_things_are_told_apart() -> None:
    asked = [
        (),
        (("probabilities", "true"),),
        (("logits", "true"),),
        (("probabilities", "true"), ("logits", "true")),
        (("fluid-min-subnetwork", "100"),),
        (("fluid-min-subnetwork", ""),),
        (("fluid-deadline-ms", "100"),),
        (("fluid-deadline-ms", "200"),),
    ]
    assert len({wishes_of(*properties).distinguish() for properties in asked}) == len(asked)


def test_what_agents_add_makes_no_other_request() -> None:
    assert wishes_of(("fluid-handovers", "1"), ("fluid-unique", "1")).distinguish() == b""
