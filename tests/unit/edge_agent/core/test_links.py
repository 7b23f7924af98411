from edge_agent.core.events import LinkName
from edge_agent.core.links import Links
from tests.unit.edge_agent.making import TIMING

CONTROL, INFER = LinkName.CONTROL, LinkName.INFER


def test_a_link_is_due_until_it_is_opening_and_open_once_the_broker_says_so() -> None:
    links = Links(TIMING)
    assert links.due(CONTROL, 0.0)
    links.opening(CONTROL)
    assert not links.due(CONTROL, 100.0)
    assert not links.is_open(CONTROL)
    links.opened(CONTROL, 0.0)
    assert links.is_open(CONTROL)
    assert not links.is_open(INFER)


def test_the_pause_doubles_up_to_five_seconds_and_is_short_again_after_a_success() -> None:
    links = Links(TIMING)
    pauses = []
    for _ in range(20):
        links.opening(CONTROL)
        pauses.append(links.closed(CONTROL, 0.0))
    assert pauses[:7] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0]
    assert set(pauses[7:]) == {5.0}
    links.opening(CONTROL)
    links.opened(CONTROL, 10.0)
    assert links.closed(CONTROL, 20.0) == 0.1


def test_a_link_that_is_lost_as_soon_as_it_opens_is_no_success() -> None:
    links = Links(TIMING)
    pauses = []
    for _ in range(7):
        links.opening(CONTROL)
        links.opened(CONTROL, 0.0)
        pauses.append(links.closed(CONTROL, 0.01))
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0]


def test_a_closed_link_is_due_after_its_pause_and_not_before() -> None:
    links = Links(TIMING)
    links.opening(CONTROL)
    pause_s = links.closed(CONTROL, 7.0)
    assert not links.due(CONTROL, 7.0)
    deadline = links.next_deadline(7.0)
    assert deadline == 7.0 + pause_s
    assert links.due(CONTROL, deadline)
    assert links.next_deadline(deadline) is None


def test_each_link_has_a_pause_of_its_own() -> None:
    links = Links(TIMING)
    links.opening(CONTROL)
    links.closed(CONTROL, 0.0)
    assert links.due(INFER, 0.0)


def test_a_link_that_was_open_once_stays_known_as_such() -> None:
    links = Links(TIMING)
    links.opening(INFER)
    links.closed(INFER, 0.0)
    assert not links.was_open(INFER)
    links.opening(INFER)
    links.opened(INFER, 0.5)
    links.closed(INFER, 1.0)
    assert links.was_open(INFER)
    assert not links.was_open(CONTROL)
