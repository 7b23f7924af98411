from edge_agent.core.answers import Contribution
from edge_agent.core.events import RequestFault, Route
from edge_agent.core.flow import Flow
from edge_agent.core.held import Deadlines, Held
from fluid.errors import ErrorCode
from tests.unit.edge_agent.making import logits_of, request

FAULT = RequestFault(ErrorCode.NOT_AN_IMAGE, "no image")


def held(name: str = "1") -> Held:
    return Held(request(name), arrived_at=10.0, together=True, hearers=("a", "b"))


def contribution(*, images: int = 1) -> Contribution:
    return Contribution(logits_of("upper50", images=images), "b", 2.0)


def test_a_request_was_heard_by_all_if_one_delivery_went_to_everyone() -> None:
    ours, everyones = held(), held()
    ours.deliveries = {Route.SHARED: [1]}
    everyones.deliveries = {Route.SHARED: [1], Route.EVERYONE: [2]}
    assert [made.heard_by_all for made in (ours, everyones)] == [False, True]


def test_a_request_is_idle_while_it_is_neither_computed_nor_being_answered() -> None:
    computing, being_answered = held(), held()
    computing.computing = True
    being_answered.token = 7
    assert [made.idle for made in (held(), computing, being_answered)] == [True, False, False]


def test_missing_are_the_stages_that_nobody_contributed() -> None:
    made = held()
    made.contributions["upper50"] = contribution()
    assert made.missing(("lower50", "upper50")) == ("lower50",)
    made.fault = FAULT
    assert made.missing(("lower50", "upper50")) == ()


def test_answerable_is_what_is_faulty_or_was_read_and_has_a_contribution() -> None:
    unread, read, faulty = held(), held(), held()
    unread.contributions["upper50"] = contribution()
    read.contributions["upper50"] = contribution()
    read.computed_at = 10.5
    faulty.fault = FAULT
    answerable = [made.answerable for made in (held(), unread, read, faulty)]
    assert answerable == [False, False, True, True]


def test_contributions_of_another_shape_are_dropped() -> None:
    made = held()
    made.contributions = {"upper50": contribution(images=2), "lower50": contribution()}
    made.drop_misfits((1, 3))
    assert list(made.contributions) == ["lower50"]


def test_the_own_time_is_from_the_arrival_to_the_own_share() -> None:
    made = held()
    assert made.own_s() == 0.0
    made.computed_at = 12.5
    assert made.own_s() == 2.5


def test_deliveries_that_others_never_had_are_told_from_a_later_one_by_their_number() -> None:
    made = held()
    made.flow = Flow(unshared=2)
    seen = []
    for deliveries in ([1, 2], [1, 2, 3]):
        made.deliveries = {Route.EVERYONE: deliveries}
        seen.append(made.all_are_unshared)
    made.answered_by_us()
    for deliveries in ([2, 3], [3]):
        made.deliveries = {Route.EVERYONE: deliveries}
        seen.append(made.all_are_unshared)
    assert seen == [True, False, False, True]


def test_others_are_expected_to_have_the_delivery_for_which_they_joined() -> None:
    made = held()
    assert made.expected_since == 10.0
    made.flow = Flow()
    assert made.expected_since == 10.0
    made.flow.joined_at = 12.0
    assert made.expected_since == 12.0


def test_deadlines_come_due_in_order_and_once() -> None:
    deadlines = Deadlines()
    first, second = held("1"), held("2")
    deadlines.set(second, 12.0)
    deadlines.set(first, 11.0)
    assert deadlines.next() == 11.0
    assert deadlines.due(10.9) == []
    assert deadlines.due(11.0) == [(11.0, first.request.key)]
    assert deadlines.due(20.0) == [(12.0, second.request.key)]
    assert deadlines.next() is None


def test_a_deadline_that_was_set_anew_is_told_from_the_old_one_by_its_time() -> None:
    deadlines = Deadlines()
    made = held()
    deadlines.set(made, 11.0)
    deadlines.set(made, 13.0)
    assert [at == made.deadline for at, _ in deadlines.due(20.0)] == [False, True]


def test_cleared_deadlines_are_gone() -> None:
    deadlines = Deadlines()
    deadlines.set(held(), 11.0)
    deadlines.clear()
    assert deadlines.next() is None
    assert deadlines.due(100.0) == []
