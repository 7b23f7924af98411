from edge_agent.core.events import LinkClosed, LinkName
from edge_agent.core.links import Ending, Links
from fluid.bus import CloseReason
from tests.unit.edge_agent.making import TIMING

CONTROL, INFER = LinkName.CONTROL, LinkName.INFER
REFUSED, REQUESTED = CloseReason.REFUSED, CloseReason.REQUESTED


def close(
    links: Links,
    link: LinkName,
    now: float = 0.0,
    reason: CloseReason = CloseReason.UNREACHABLE,
    detail: str = "nobody there",
) -> Ending:
    return links.closed(LinkClosed(link, reason, detail), now)


def pause_s(links: Links, link: LinkName, now: float) -> float:
    """Let a link fail; returns how long it is then waited."""
    links.opening(link)
    pause = close(links, link, now).note.fields["retry_in_s"]
    assert isinstance(pause, float)
    return pause


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
    pauses = [pause_s(links, CONTROL, 0.0) for _ in range(20)]
    assert pauses[:7] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0]
    assert set(pauses[7:]) == {5.0}
    links.opened(CONTROL, 10.0)
    assert pause_s(links, CONTROL, 20.0) == 0.1


def test_a_closed_link_is_due_after_its_pause_and_not_before() -> None:
    links = Links(TIMING)
    pause = pause_s(links, CONTROL, 7.0)
    assert not links.due(CONTROL, 7.0)
    deadline = links.next_deadline(7.0)
    assert deadline == 7.0 + pause
    assert links.due(CONTROL, deadline)
    assert links.next_deadline(deadline) is None


def test_each_link_has_a_pause_of_its_own() -> None:
    links = Links(TIMING)
    pause_s(links, CONTROL, 0.0)
    assert links.due(INFER, 0.0)


def test_a_note_names_brokers_only_where_there_are_several() -> None:
    links = Links(TIMING)
    (opened,) = links.opened(CONTROL, 0.0)
    assert opened.fields == {"link": CONTROL}
    assert "broker" not in close(links, CONTROL).note.fields

    links = Links(TIMING, brokers=2)
    (opened,) = links.opened(CONTROL, 0.0)
    assert opened.fields == {"link": CONTROL, "broker": 0}
    first, second = close(links, CONTROL).note, close(links, CONTROL).note
    assert first.fields["broker"] == second.fields["broker"] == 0
    assert "next_broker" not in first.fields
    assert second.fields["next_broker"] == 1


# Several brokers.


def test_the_control_link_chooses_the_broker_and_the_inference_link_waits_for_it() -> None:
    links = Links(TIMING, brokers=2)
    assert not links.due(INFER, 0.0)
    close(links, CONTROL)
    assert links.broker == 1
    assert not links.due(INFER, 0.0)
    links.opened(CONTROL, 0.0)
    assert links.due(INFER, 0.0)
    assert links.broker == 1


def test_a_lost_inference_link_moves_nothing() -> None:
    links = Links(TIMING, brokers=2)
    links.opened(CONTROL, 0.0)
    for _ in range(10):
        pause_s(links, INFER, 50.0)
    assert links.broker == 0
    assert links.is_open(CONTROL)


def test_it_is_elsewhere_only_if_another_broker_takes_it_in() -> None:
    links = Links(TIMING, brokers=2)
    links.opened(CONTROL, 0.0)
    stays = [(links.broker, links.is_elsewhere)]
    for reason in (CloseReason.LOST, *[CloseReason.UNREACHABLE] * 3):
        close(links, CONTROL, 10.0, reason)
        stays.append((links.broker, links.is_elsewhere))
    # Once more, the next, and after a round the first again.
    assert stays == [(0, False), (0, False), (1, True), (0, False), (1, True)]
    opened, changed = links.opened(CONTROL, 10.2)
    assert (opened.event, changed.event) == ("link_opened", "broker_changed")
    assert changed.fields == {"broker": 1, "reason": "nobody there"}
    assert not links.is_elsewhere


def test_a_link_that_we_closed_is_opened_again_at_the_same_broker() -> None:
    links = Links(TIMING, brokers=2)
    for _ in range(5):
        links.opened(CONTROL, 0.0)
        close(links, CONTROL, 1.0, REQUESTED)
        assert links.broker == 0


def test_after_a_move_both_links_are_due_at_once_and_it_counts_as_a_new_home() -> None:
    links = Links(TIMING, brokers=2)
    close(links, CONTROL)
    links.opened(CONTROL, 0.0)
    for link in LinkName:
        links.dropped(link)
    links.move_to(0)
    assert links.due(CONTROL, 0.0)
    assert not links.is_elsewhere
    (opened,) = links.opened(CONTROL, 0.0)
    assert opened.fields["broker"] == 0
    assert links.due(INFER, 0.0)


def test_probes_wake_the_agent_on_a_fallback() -> None:
    links = Links(TIMING, brokers=2)
    close(links, CONTROL)
    links.opened(CONTROL, 1.0)
    assert links.next_deadline(1.0) == 1.0 + TIMING.probe_s
    for moment in (3.0, 5.0):
        assert links.take_due_probes(moment) == (0,)
        preferred = links.probed(0, answered=True)
    assert preferred == 0


# Refusals.


def test_with_one_broker_the_first_refusal_is_hopeless_and_a_later_one_is_not() -> None:
    for link in LinkName:
        links = Links(TIMING)
        assert close(links, link, 0.0, REFUSED, "wrong password").hopeless == "wrong password"
        links = Links(TIMING)
        links.opened(link, 0.0)
        assert not close(links, link, 0.0, REFUSED).hopeless
        assert not links.broker


def test_a_refusal_without_words_is_hopeless_too() -> None:
    assert close(Links(TIMING), CONTROL, 0.0, REFUSED, "").hopeless


def test_it_is_hopeless_once_every_broker_has_refused() -> None:
    links = Links(TIMING, brokers=3)
    assert not close(links, CONTROL, 0.0, REFUSED, "first").hopeless
    assert not close(links, CONTROL, 0.0).hopeless  # the second may come up still
    assert not close(links, CONTROL, 0.0, REFUSED, "third").hopeless
    assert not close(links, CONTROL, 0.0, REFUSED, "first").hopeless
    assert close(links, CONTROL, 0.0, REFUSED, "second").hopeless == "first; second; third"


def test_a_refusal_by_one_broker_is_not_hopeless_where_another_accepts() -> None:
    links = Links(TIMING, brokers=2)
    close(links, CONTROL, 0.0, REFUSED)
    links.opened(CONTROL, 0.0)
    links.opened(INFER, 0.0)
    assert not close(links, CONTROL, 1.0, REFUSED).hopeless
    assert not close(links, CONTROL, 1.0, REFUSED).hopeless


def test_who_refuses_the_inference_link_is_unwelcome_where_there_are_others() -> None:
    links = Links(TIMING)
    assert not close(links, INFER, 0.0, REFUSED).unwelcome
    links = Links(TIMING, brokers=2)
    links.opened(CONTROL, 0.0)
    ending = close(links, INFER, 0.0, REFUSED, "no sessions here")
    assert ending.unwelcome
    assert not ending.hopeless
    links.forsake()
    assert links.broker == 1
    links.opened(CONTROL, 0.0)
    assert close(links, INFER, 0.0, REFUSED, "nor here").hopeless == "no sessions here; nor here"
