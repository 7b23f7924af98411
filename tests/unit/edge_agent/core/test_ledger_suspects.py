"""What the ledger does with requests that may have brought devices down."""

from dataclasses import replace

from edge_agent.core.effects import Ack, Compute, PublishCondemned, SendReply, WriteAttempt
from edge_agent.core.events import Route
from edge_agent.core.ledger import Ledger
from fluid.messages import ErrorReply
from tests.unit.edge_agent.core.ledgers import OURS, PAIR, THEIRS, confirm, done, ledger_of
from tests.unit.edge_agent.making import all_of, arrival, computed, one_of, partial, request

SHARED = Route.SHARED


def suspect_ledger(*, names_former: str = "") -> Ledger:
    """The ledger of a second life, whose former life's note names a request."""
    ledger = ledger_of(PAIR)
    ledger.attempt_seen("a", (request(names_former).key,) if names_former else ())
    ledger.control_opened(0.0)
    ledger.link_opened()
    return ledger


def test_a_suspect_is_computed_alone_and_under_its_note() -> None:
    ledger = suspect_ledger()
    (note,) = ledger.arrived(replace(arrival("1", route=SHARED), redelivered=True), 0.0)
    assert isinstance(note, WriteAttempt)
    assert ledger.arrived(arrival("2", route=SHARED, ack_id=2), 0.0) == []
    first = one_of(ledger.attempt_confirmed(note.token, accepted=True), Compute)
    assert first.request.id == "1"
    effects = ledger.computed(computed("1", "lower50"), 0.1)
    assert one_of(effects, SendReply)
    cleared = one_of(effects, WriteAttempt)
    assert cleared.keys == ()
    second = one_of(ledger.attempt_confirmed(cleared.token, accepted=True), Compute)
    assert second.request.id == "2"


def test_a_request_that_brought_us_down_twice_is_answered_unread() -> None:
    ledger = suspect_ledger(names_former="1")
    effects = ledger.arrived(replace(arrival("1", route=SHARED), redelivered=True), 0.0)
    (error,) = one_of(effects, SendReply).replies
    assert isinstance(error, ErrorReply)
    assert error.code == "execution_failed"
    assert ledger.served(0.0) == []  # it is still to be answered, so it stays named
    assert one_of(confirm(ledger, effects), WriteAttempt).keys == ()


def test_more_may_come_of_what_was_in_flight_so_a_note_of_it_is_kept() -> None:
    ledger = suspect_ledger(names_former="late")
    ledger.arrived(replace(arrival("1", route=SHARED), redelivered=True), 0.0)
    assert all_of(ledger.served(0.0), WriteAttempt) == []
    late = replace(arrival("late", route=SHARED, ack_id=2), redelivered=True)
    assert isinstance(one_of(ledger.arrived(late, 0.1), SendReply).replies[0], ErrorReply)


def test_a_request_that_comes_for_the_first_time_shows_that_all_in_flight_has_come() -> None:
    ledger = suspect_ledger(names_former="never")
    first = replace(arrival("1", route=SHARED), redelivered=True)
    note = one_of(ledger.arrived(first, 0.0), WriteAttempt)
    assert ledger.served(0.0) == []
    ledger.arrived(arrival("2", route=SHARED, ack_id=2), 0.1)
    ledger.attempt_confirmed(note.token, accepted=True)
    assert one_of(ledger.computed(computed("1", "lower50"), 0.2), WriteAttempt).keys == ()


def test_what_another_agent_condemned_is_not_run_though_it_waits_for_its_turn() -> None:
    ledger = suspect_ledger()
    ledger.arrived(replace(arrival("1", route=SHARED), redelivered=True), 0.0)
    effects = ledger.condemned_seen("b", (request("1").key,), 0.1)
    assert isinstance(one_of(effects, SendReply).replies[0], ErrorReply)
    assert all_of(ledger.attempt_confirmed(1, accepted=True), Compute) == []


def test_what_waits_for_its_turn_runs_under_its_note_once_a_copy_shows_that_it_is_suspect() -> None:
    ledger = suspect_ledger()
    first = replace(arrival("1", route=SHARED), redelivered=True)
    note = one_of(ledger.arrived(first, 0.0), WriteAttempt)
    assert ledger.arrived(arrival("2", route=SHARED, ack_id=2), 0.0) == []
    assert ledger.arrived(arrival("2", route=SHARED, ack_id=3, handovers=1), 0.1) == []
    ledger.attempt_confirmed(note.token, accepted=True)
    note = one_of(ledger.computed(computed("1", "lower50"), 0.2), WriteAttempt)
    assert note.keys == (request("2").key,)
    assert one_of(ledger.attempt_confirmed(note.token, accepted=True), Compute).request.id == "2"


def test_what_waits_for_its_turn_is_not_run_if_a_copy_shows_that_it_is_condemned() -> None:
    ledger = suspect_ledger()
    ledger.condemned_seen("b", (request("2").key,), 0.0)
    ledger.arrived(replace(arrival("1", route=SHARED), redelivered=True), 0.0)
    assert ledger.arrived(arrival("2", route=SHARED, ack_id=2), 0.0) == []  # only an equal one
    copy = arrival("2", route=SHARED, ack_id=3, handovers=1)
    (error,) = one_of(ledger.arrived(copy, 0.1), SendReply).replies
    assert isinstance(error, ErrorReply)


def test_what_we_condemn_is_said_to_all() -> None:
    ledger = suspect_ledger(names_former="1")
    effects = ledger.arrived(replace(arrival("1", route=SHARED), redelivered=True), 0.0)
    assert one_of(effects, PublishCondemned).keys == (request("1").key,)


def test_a_copy_of_an_adopter_is_let_go_of_where_its_answer_is_known() -> None:
    ledger = ledger_of(PAIR)
    ledger.arrived(arrival(OURS, unique=True), 0.0)
    ledger.computed(computed(OURS, "lower50"), 0.1)
    effects = ledger.partial(partial(OURS, "b", "upper50"), 0.1)
    confirm(ledger, effects)
    copy = arrival(OURS, unique=True, handovers=1, ack_id=7)
    assert ledger.arrived(copy, 2.0) == [Ack(7)]
    from_its_client = arrival(OURS, unique=True, ack_id=8)
    assert one_of(ledger.arrived(from_its_client, 2.0), Compute)


def test_a_note_of_a_former_life_that_names_nothing_we_hold_is_cleared() -> None:
    ledger = suspect_ledger(names_former="1")
    assert one_of(ledger.served(0.0), WriteAttempt).keys == ()
    assert one_of(ledger.arrived(arrival("1", route=SHARED), 0.0), Compute)


def test_a_condemned_request_is_answered_by_us_if_the_combiner_says_nothing_of_it() -> None:
    ledger = suspect_ledger(names_former=THEIRS)
    effects = ledger.arrived(replace(arrival(THEIRS, ack_id=5), redelivered=True), 0.0)
    assert all_of(effects, SendReply) == []
    deadline = ledger.next_deadline()
    assert deadline is not None
    effects = ledger.expire(deadline)
    assert isinstance(one_of(effects, SendReply).replies[0], ErrorReply)


def test_the_other_agents_notes_are_kept_for_whoever_adopts_them() -> None:
    ledger = ledger_of(PAIR)
    ledger.attempt_seen("b", (request("1").key,))
    assert ledger.attempt_notes.names("b", request("1").key)


def test_a_note_may_have_been_cleared_while_nothing_was_heard() -> None:
    ledger = suspect_ledger()
    ledger.attempt_seen("b", (request("1").key,))
    ledger.control_lost()
    ledger.control_opened(1.0)
    assert not ledger.attempt_notes.names("b", request("1").key)
    ledger.attempt_seen("b", (request("1").key,))  # what is retained still comes again
    assert ledger.attempt_notes.names("b", request("1").key)


def test_an_equal_request_beside_a_suspect_waits_with_it() -> None:
    ledger = suspect_ledger()
    ledger.arrived(replace(arrival("1", route=SHARED, ack_id=5), redelivered=True), 0.0)
    assert ledger.arrived(arrival("1", route=SHARED, ack_id=6), 0.0) == []


def test_what_waits_for_its_turn_is_not_computed_once_it_was_answered() -> None:
    ledger = suspect_ledger()
    note = one_of(
        ledger.arrived(replace(arrival(THEIRS, ack_id=5), redelivered=True), 0.0), WriteAttempt
    )
    assert ledger.done(done(THEIRS), 0.1) == [Ack(5)]
    effects = ledger.attempt_confirmed(note.token, accepted=True)
    assert all_of(effects, Compute) == []
    assert one_of(effects, WriteAttempt).keys == ()


def test_without_the_control_link_a_suspect_waits_and_nothing_else_does() -> None:
    ledger = suspect_ledger()
    ledger.control_lost()
    assert ledger.arrived(arrival("1", route=SHARED, handovers=1), 0.0) == []
    assert one_of(ledger.arrived(arrival("2", route=SHARED, ack_id=2), 0.0), Compute)
    assert ledger.computed(computed("2", "lower50"), 0.1)
    assert one_of(ledger.control_opened(0.2), WriteAttempt).keys == (request("1").key,)
