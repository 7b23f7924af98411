import pytest

from edge_agent.core.suspicion import AttemptNotes, executors, worn_out
from fluid.errors import ErrorCode
from tests.unit.edge_agent.making import request

ONE, TWO = request("1").key, request("2").key


@pytest.mark.parametrize(
    ("handovers", "was_sent", "named", "count"),
    [
        (0, False, False, 0),
        (1, False, False, 1),
        (0, True, False, 1),
        (1, True, False, 1),
        (0, True, True, 2),
        (1, True, True, 2),
    ],
)
def test_only_a_note_tells_the_guilty_from_those_that_were_there(
    *, handovers: int, was_sent: bool, named: bool, count: int
) -> None:
    assert executors(handovers, was_sent=was_sent, named=named) == count


def test_two_executors_are_enough() -> None:
    assert worn_out(1) is None
    fault = worn_out(2)
    assert fault is not None
    assert fault.code is ErrorCode.EXECUTION_FAILED


def test_the_last_note_of_an_agent_counts() -> None:
    notes = AttemptNotes()
    notes.seen("b", (ONE,))
    notes.seen("c", (TWO,))
    assert notes.names("b", ONE)
    assert not notes.names("b", TWO)
    notes.seen("b", (TWO,))
    assert not notes.names("b", ONE)
    notes.seen("c", ())
    assert notes.has("b")
    assert not notes.has("c")


def test_notes_are_bounded_and_the_oldest_go_first() -> None:
    notes = AttemptNotes()
    for number in range(1001):
        notes.seen(f"agent-{number}", (ONE,))
    assert not notes.has("agent-0")
    assert notes.has("agent-1")
