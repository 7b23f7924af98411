from collections.abc import Iterable

import pytest

from edge_agent.core.attempts import Attempts
from edge_agent.core.effects import Compute, Effect, Note, WriteAttempt
from edge_agent.core.suspicion import worn_out
from tests.unit.edge_agent.making import all_of, one_of, request

KEYS = {name: request(name).key for name in "abcdxyz"}


def job(name: str) -> Compute:
    return Compute(request(name), ("lower50",))


def names(effects: Iterable[Effect]) -> list[str]:
    """What the executor is given."""
    return [compute.request.id for compute in all_of(effects, Compute)]


def noted(effects: Iterable[Effect]) -> str:
    """What the only note among these effects names."""
    keys = one_of(effects, WriteAttempt).keys
    return "".join(name for name, key in KEYS.items() if key in keys)


class Gate(Attempts):
    """The gate of `me`, on a control link."""

    def __init__(self, former: str = "") -> None:
        """former: what our former life's note names."""
        super().__init__("me")
        self.link_opened()
        self.note_seen(tuple(KEYS[name] for name in former))
        self.snapshot_complete()
        self.session_opened()

    def suspect(self, name: str) -> list[Effect]:
        return self.compute(job(name), suspect=True)

    def other(self, name: str) -> list[Effect]:
        return self.compute(job(name), suspect=False)

    def confirm(self, effects: list[Effect], *, accepted: bool = True) -> list[Effect]:
        return self.confirmed(one_of(effects, WriteAttempt).token, accepted=accepted)


@pytest.fixture
def gate() -> Gate:
    return Gate()


def test_where_nothing_is_suspect_jobs_pass_and_nothing_is_written(gate: Gate) -> None:
    assert gate.other("a") == [job("a")]
    assert gate.other("b") == [job("b")]
    assert gate.finished() == []
    assert gate.let_go(KEYS["a"]) == []
    assert gate.settle([]) == []
    assert gate.withdraw() == []


def test_what_waits_is_taken_back_when_another_bundle_is_in_force(gate: Gate) -> None:
    note = gate.suspect("x")
    gate.other("a")
    assert gate.take_back() == {KEYS["x"], KEYS["a"]}
    cleared = gate.confirm(note)
    assert (names(cleared), noted(cleared)) == ([], "")
    assert gate.confirm(cleared) == []
    assert gate.other("a") == [job("a")]


def test_of_equal_jobs_that_wait_one_is_run(gate: Gate) -> None:
    assert [gate.other("a") for _ in range(3)] == [[job("a")], [], []]
    assert gate.finished() == []
    assert gate.other("a") == [job("a")]
    gate.finished()
    assert noted(gate.suspect("x")) == "x"  # the executor is empty


def test_at_another_broker_no_note_of_the_one_before_is_waited_for(gate: Gate) -> None:
    gate.suspect("x")
    assert gate.other("a") == []
    gate.session_lost()
    gate.broker_changed()
    assert gate.other("b") == [job("b")]
    gate.finished()
    gate.link_opened()
    assert noted(gate.suspect("x")) == "x"


def test_a_suspect_runs_only_once_its_note_is_confirmed(gate: Gate) -> None:
    note = gate.suspect("x")
    assert (names(note), noted(note)) == ([], "x")
    assert one_of(note, WriteAttempt).agent == "me"
    assert gate.confirm(note) == [job("x")]
    cleared = gate.finished()
    assert noted(cleared) == ""
    assert gate.confirm(cleared) == []


def test_a_suspect_waits_for_the_executor_to_be_empty(gate: Gate) -> None:
    gate.other("a")
    gate.other("b")
    assert gate.suspect("x") == []
    assert gate.finished() == []
    assert noted(gate.finished()) == "x"


def test_nothing_runs_beside_a_suspect_nor_before_its_note_is_cleared(gate: Gate) -> None:
    note = gate.suspect("x")
    assert gate.other("a") == []
    assert gate.confirm(note) == [job("x")]
    assert gate.other("b") == []
    cleared = gate.finished()
    assert names(cleared) == []
    assert gate.other("c") == []
    assert names(gate.confirm(cleared)) == ["a", "b", "c"]
    assert gate.other("d") == [job("d")]


def test_suspects_follow_one_another_and_the_note_is_cleared_once(gate: Gate) -> None:
    note = gate.suspect("x")
    assert gate.suspect("y") == []
    gate.confirm(note)
    note = gate.finished()
    assert noted(note) == "y"
    assert gate.confirm(note) == [job("y")]
    assert noted(gate.finished()) == ""


def run_eight(gate: Gate) -> list[Effect]:
    """Eight suspects in a row, and another that waits; returns what follows the last of them."""
    note = gate.suspect("x")
    for name in "1234567y":
        gate.suspect(name)
    for _ in range(8):
        assert len(names(gate.confirm(note))) == 1
        note = gate.finished()
    return note


def test_after_eight_suspects_the_others_have_their_turn(gate: Gate) -> None:
    note = gate.suspect("z")
    gate.other("a")
    gate.confirm(note)
    gate.confirm(gate.finished())
    gate.finished()
    note = run_eight(gate)
    assert noted(note) == ""
    gate.other("a")
    assert names(gate.confirm(note)) == ["a"]
    assert noted(gate.finished()) == "y"


def test_others_are_held_back_but_for_their_turn(gate: Gate) -> None:
    seen = [gate.hold_others_back]
    gate.other("a")
    gate.suspect("z")
    seen.append(gate.hold_others_back)  # until the executor is empty
    note = gate.finished()
    seen.append(gate.hold_others_back)
    gate.confirm(note)
    seen.append(gate.hold_others_back)
    cleared = gate.finished()
    seen.append(gate.hold_others_back)
    gate.confirm(cleared)
    seen.append(gate.hold_others_back)
    assert seen == [False, True, True, True, False, False]


def test_what_comes_in_the_others_turn_is_run_in_it(gate: Gate) -> None:
    cleared = run_eight(gate)
    assert gate.other("a") == gate.other("b") == []
    assert names(gate.confirm(cleared)) == ["a", "b"]
    assert gate.hold_others_back


def test_a_confirmation_of_an_earlier_note_means_nothing(gate: Gate) -> None:
    former = one_of(gate.suspect("x"), WriteAttempt).token
    gate.link_lost()
    note = gate.link_opened()
    assert gate.confirmed(former, accepted=True) == []
    assert gate.confirm(note) == [job("x")]


def test_a_broker_that_refuses_the_note_is_noted_and_the_suspect_runs(gate: Gate) -> None:
    effects = gate.confirm(gate.suspect("x"), accepted=False)
    assert one_of(effects, Note).problem
    assert names(effects) == ["x"]


# Without the control link.


def test_without_the_link_suspects_wait_and_the_others_go_on(gate: Gate) -> None:
    gate.link_lost()
    assert gate.suspect("x") == []
    assert gate.other("a") == [job("a")]
    assert gate.finished() == []
    assert noted(gate.link_opened()) == "x"


@pytest.mark.parametrize("steps", [0, 1])
def test_a_link_that_is_lost_over_a_note_lets_the_others_go_on(gate: Gate, steps: int) -> None:
    if steps == 0:
        gate.other("b")  # the suspect waits for it, and nothing is written yet
    gate.suspect("x")
    assert gate.other("a") == []
    assert names(gate.link_lost()) == ["a"]


def test_a_suspect_that_runs_while_the_link_is_lost_stays_alone(gate: Gate) -> None:
    gate.confirm(gate.suspect("x"))
    assert gate.link_lost() == []
    assert gate.other("a") == []
    assert names(gate.finished()) == ["a"]
    assert noted(gate.link_opened()) == ""


def test_what_was_not_cleared_for_lack_of_a_link_is_cleared_on_the_next(gate: Gate) -> None:
    gate.confirm(gate.suspect("x"))
    gate.finished()
    gate.other("a")
    assert names(gate.link_lost()) == ["a"]
    gate.finished()
    note = gate.link_opened()
    assert noted(note) == ""


# Requests that are let go of.


def test_a_suspect_that_was_answered_meanwhile_does_not_run(gate: Gate) -> None:
    note = gate.suspect("x")
    gate.suspect("y")
    gate.let_go(KEYS["x"])
    note = gate.confirm(note)
    assert noted(note) == "y"
    gate.let_go(KEYS["y"])
    cleared = gate.confirm(note)
    assert (names(cleared), noted(cleared)) == ([], "")


def test_the_others_go_on_when_the_suspect_that_they_waited_for_is_answered(gate: Gate) -> None:
    gate.other("a")
    gate.suspect("x")
    gate.other("b")
    gate.other("c")
    gate.let_go(KEYS["c"])
    assert names(gate.let_go(KEYS["x"])) == ["b"]


def test_a_lost_session_takes_along_what_has_not_run(gate: Gate) -> None:
    gate.other("a")
    gate.suspect("x")
    gate.other("b")
    assert gate.session_lost() == []
    assert gate.other("c") == [job("c")]
    gate.finished()
    gate.finished()
    note = gate.suspect("y")
    gate.session_lost()
    assert noted(gate.confirm(note)) == ""


def test_a_job_of_a_lost_session_is_waited_for_before_a_suspect_runs(gate: Gate) -> None:
    gate.other("a")
    gate.session_lost()
    assert gate.suspect("x") == []
    assert noted(gate.finished()) == "x"


# Who is suspect.


def test_suspect_is_what_dead_devices_held(gate: Gate) -> None:
    assert not gate.suspects(request("a"), redelivered=False)
    assert gate.suspects(request("a", handovers=1), redelivered=False)


def test_suspect_is_what_was_in_flight_when_our_former_life_ended(gate: Gate) -> None:
    assert gate.suspects(request("a"), redelivered=True)
    gate.session_lost()
    gate.session_opened()
    assert gate.suspects(request("a"), redelivered=True)
    assert gate.suspects(request("b"), redelivered=True)  # the first link was lost too early
    gate.settle([])
    assert not gate.suspects(request("b"), redelivered=True)
    gate.let_go(KEYS["a"])
    assert not gate.suspects(request("a"), redelivered=False)


def test_condemned_is_what_our_former_life_ran_under_suspicion() -> None:
    gate = Attempts("me")
    gate.note_seen((KEYS["x"],))
    assert gate.condemns(request("x")) == worn_out(2)
    assert gate.condemns(request("y")) is None
    assert gate.condemns(request("y", handovers=2)) == worn_out(2)


def test_our_own_notes_come_round_and_say_nothing_of_a_former_life(gate: Gate) -> None:
    gate.suspect("x")
    gate.note_seen((KEYS["x"],))
    assert gate.condemns(request("x")) is None


def test_a_note_that_comes_after_all_retained_is_of_another_process_of_our_name(gate: Gate) -> None:
    gate.note_seen((KEYS["x"],))
    assert gate.condemns(request("x")) is None


def test_a_former_note_is_cleared_once_what_it_names_has_not_come() -> None:
    gate = Gate(former="x")
    assert gate.settle([KEYS["x"]]) == []
    assert noted(gate.settle([KEYS["y"]])) == ""
    assert gate.condemns(request("x")) is None


def test_a_condemned_request_stays_named_until_it_is_answered() -> None:
    gate = Gate(former="x")
    note = gate.suspect("y")
    assert noted(note) == "xy"
    gate.confirm(note)
    gate.let_go(KEYS["x"])
    assert noted(gate.finished()) == ""


def test_a_condemned_request_that_is_answered_is_taken_out_of_the_note_at_once() -> None:
    gate = Gate(former="x")
    assert noted(gate.let_go(KEYS["x"])) == ""


def test_what_is_answered_while_the_note_is_being_cleared_is_taken_out_after_it() -> None:
    gate = Gate(former="x")
    gate.confirm(gate.suspect("y"))
    cleared = gate.finished()
    assert noted(cleared) == "x"
    assert gate.let_go(KEYS["x"]) == []
    assert noted(gate.confirm(cleared)) == ""


def test_whoever_leaves_in_good_order_takes_its_note_along(gate: Gate) -> None:
    gate.confirm(gate.suspect("x"))
    assert noted(gate.withdraw()) == ""
