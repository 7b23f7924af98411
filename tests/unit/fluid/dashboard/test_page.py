import json
from dataclasses import replace
from typing import Any

import pytest

from fluid.bus.protocol import Message
from fluid.client import Answer
from fluid.client.observer import ClusterView
from fluid.dashboard.model_facts import ModelFacts
from fluid.dashboard.page import Page
from fluid.errors import RequestTimeout
from fluid.messages.control import AgentState
from fluid.messages.replies import Reply
from fluid.topics import Topics
from tests.unit.fluid.dashboard.clusters import MASTER, STATE, WORKER, error, result, view

TOPICS = Topics()
EPOCH_S = 1_000_000.0


def page(facts: ModelFacts | None = None) -> Page:
    return Page(TOPICS, 10.0, broker="mqtt://broker:1883", epoch_s=EPOCH_S, facts=facts)


def answer(*replies: Reply) -> Message:
    (first, *rest) = [reply.to_json() for reply in replies]
    return Message("fluid/result/door-7", json.dumps([first, *rest] if rest else first).encode())


def texts(document: dict[str, Any]) -> list[str]:
    return [each["text"] for each in document["happenings"]]


def answered(page: Page, now_s: float = 20.0) -> list[tuple[int, int]]:
    """The answers and errors of each second in which there was one."""
    page.advance(now_s)
    ticks = page.everything(now_s)["ticks"]
    return [(tick["answers"], tick["errors"]) for tick in ticks if tick["answers"] + tick["errors"]]


# The cluster.


def test_the_cluster_is_told_as_status_tells_it_and_who_holds_what() -> None:
    shown = page()
    shown.look(view(heard_at_s=10.0), 10.5)
    told = shown.everything(10.5)
    cluster = told["cluster"]
    assert told["at"] == EPOCH_S + 10.5
    assert (cluster["leader"], cluster["mode"], cluster["operator_mode"]) == (
        "master",
        "ha",
        "auto",
    )
    assert (cluster["term"], cluster["epoch"]) == (3, 1)
    assert cluster["placement"] == {"lower": ["master"], "upper": ["worker"]}
    assert (cluster["broker"], cluster["known"], cluster["trouble"]) == (
        "mqtt://broker:1883",
        True,
        None,
    )
    master, worker = cluster["members"]
    assert (master["agent"], master["role"], master["leads"]) == ("master", "master", True)
    assert (worker["slots"], worker["state"], worker["silent"]) == (["upper"], "online", False)
    assert (worker["queue"], worker["busy"], worker["last_seen_s"]) == (2, 0.25, 0.5)


def test_before_anything_is_known_nothing_is_claimed() -> None:
    cluster = page().everything(10.0)["cluster"]
    assert (cluster["known"], cluster["members"], cluster["leader"]) == (False, [], None)
    assert cluster["placement"] == {}


def test_silence_shows_by_looking_again() -> None:
    shown = page()
    quiet = view(heard_at_s={"master": 12.5, "worker": 10.0})
    shown.look(view(), 10.0)
    shown.look(quiet, 12.5)
    members = shown.everything(12.5)["cluster"]["members"]
    assert {each["agent"]: each["silent"] for each in members} == {"master": False, "worker": True}
    assert texts(shown.everything(12.5))[-1] == "nothing is heard of worker"


def test_devices_with_different_bundles_get_a_note() -> None:
    shown = page()
    shown.look(view(MASTER, replace(WORKER, bundle="other")), 10.0)
    assert "different bundles" in shown.everything(10.0)["cluster"]["note"]


# The broker.


def test_a_broker_that_cannot_be_used_at_first_is_told_once() -> None:
    shown = page()
    shown.lost("nothing listens there", 10.0)
    shown.lost("nothing listens there", 12.0)
    told = shown.everything(12.0)
    assert texts(told) == ["no broker answers (nothing listens there)"]
    assert told["cluster"]["trouble"] == "nothing listens there"
    shown.look(view(heard_at_s=14.0), 14.0)
    assert shown.everything(14.0)["cluster"]["trouble"] is None


@pytest.mark.parametrize("by_the_view", [True, False])
def test_of_a_lost_broker_the_past_is_shown(by_the_view: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    shown = page()
    shown.look(view(), 10.0)
    if by_the_view:
        shown.look(view(trouble="it broke"), 11.0)
    else:
        shown.lost("it broke", 11.0)
    told = shown.everything(11.0)
    assert texts(told)[-1] == "the broker is gone (it broke)"
    assert len(told["cluster"]["members"]) == 2
    assert told["cluster"]["known"] is True


def test_seconds_in_which_nothing_could_be_heard_are_blind() -> None:
    shown = page()
    shown.look(view(), 10.0)
    shown.look(view(heard_at_s=11.0), 11.0)
    shown.look(view(trouble="it broke"), 12.0)
    shown.advance(13.0)
    assert [tick["blind"] for tick in shown.everything(13.0)["ticks"]] == [False, True, True]


# Answers.


def test_answers_are_counted_by_image_and_by_sub_network() -> None:
    shown = page()
    shown.look(view(), 10.0)
    shown.heard(answer(result(subnetwork="lower50")), 10.1)
    shown.heard(answer(result("b"), result("b"), error("b")), 10.2)
    shown.advance(11.0)
    (tick,) = shown.everything(11.0)["ticks"]
    assert (tick["answers"], tick["errors"]) == (3, 1)
    assert tick["shares"] == {"100": 2, "lower50": 1}
    cluster = shown.everything(11.0)["cluster"]
    assert (cluster["answered"], cluster["failed"]) == (3, 1)


@pytest.mark.parametrize("heard_first", [True, False])
def test_an_own_answer_that_everybody_heard_counts_once(heard_first: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    shown = page()
    own = Answer("fluid-client-1-1", (result("fluid-client-1-1"),), latency_ms=12.0)
    if heard_first:
        shown.heard(answer(*own.replies), 10.1)
    shown.asked(own, 10.2)
    if not heard_first:
        shown.heard(answer(*own.replies), 10.3)
    assert answered(shown) == [(1, 0)]
    assert shown.everything(20.0)["ticks"][0]["own"] == 12.0


def test_ids_longer_than_any_of_ours_are_not_remembered() -> None:
    shown = page()
    shown.heard(answer(result("x" * 200)), 10.1)
    shown.asked(Answer("x" * 200, (result("x" * 200),), latency_ms=12.0), 10.2)
    assert answered(shown) == [(2, 0)]


def test_without_the_right_to_hear_all_answers_the_own_ones_count() -> None:
    shown = page()
    shown.asked(Answer("a", (result("a"),), latency_ms=12.0), 10.2)
    assert answered(shown) == [(1, 0)]


def test_a_request_that_nobody_answered_is_no_answer() -> None:
    shown = page()
    shown.asked(Answer("a", error=RequestTimeout("a", "nobody answered")), 10.2)
    assert answered(shown) == []


def test_requests_of_one_name_count_each_time() -> None:
    shown = page()
    for _ in range(3):
        shown.heard(answer(result("door-7")), 10.1)
    assert answered(shown) == [(3, 0)]


def test_what_cannot_be_read_is_counted_but_not_the_markers_of_others() -> None:
    shown = page()
    shown.heard(Message("fluid/result/fluid-client-2", b"marker"), 10.1)
    assert shown.unreadable == 0
    shown.heard(Message("fluid/result/door-7", b"{"), 10.1)
    assert shown.everything(10.2)["cluster"]["unreadable"] == 1
    assert answered(shown) == []


# Happenings.


def test_an_adoption_is_told() -> None:
    shown = page()
    shown.look(view(), 10.0)
    shown.heard(Message("fluid/adopt/worker", b"marker"), 10.5)
    assert texts(shown.everything(11.0))[-1] == "master took over the requests of worker"


def test_an_adoption_of_what_is_no_agent_is_not() -> None:
    shown = page()
    shown.heard(Message("fluid/adopt/<b>", b"marker"), 10.5)
    assert texts(shown.everything(11.0)) == []


def test_what_is_retained_is_no_news() -> None:
    shown = page()
    shown.look(view(), 10.0)
    shown.heard(replace(answer(result()), retain=True), 10.1)
    shown.heard(Message("fluid/result/door-7", b"{", retain=True), 10.1)
    before = texts(shown.everything(10.2))
    shown.heard(Message("fluid/adopt/ghost", b"marker", retain=True), 10.2)
    assert texts(shown.everything(10.3)) == before
    assert answered(shown) == []
    assert shown.unreadable == 0


def test_the_page_listens_to_answers_and_adoptions() -> None:
    assert page().filters == ("fluid/result/#", "fluid/adopt/+")


def test_news_begin_where_the_browser_was_left() -> None:
    shown = page()
    shown.look(view(), 10.0)
    shown.advance(11.0)
    cursor = shown.cursor
    assert shown.news(cursor, 11.0)["ticks"] == []
    assert texts(shown.news(cursor, 11.0)) == []
    gone = replace(WORKER, state=AgentState.OFFLINE, serving=None)
    shown.look(view(MASTER, gone, heard_at_s=12.0), 12.0)
    news = shown.news(cursor, 12.0)
    assert [tick["at"] for tick in news["ticks"]] == [EPOCH_S + 11.0]
    assert texts(news) == ["worker went down without a word"]
    assert news["happenings"][0]["at"] == EPOCH_S + 12.0
    assert texts(shown.news(shown.cursor, 12.0)) == []


def test_what_happens_has_the_time_of_the_wall_clock_then() -> None:
    shown = page()
    shown.set_wall_clock(5_000.0, 10.0)
    shown.look(view(), 10.0)
    shown.set_wall_clock(9_000.0, 11.0)  # the machine slept, or has the time from the net now
    shown.look(view(MASTER, heard_at_s=12.0), 12.0)
    told = shown.everything(12.0)
    assert [each["at"] for each in told["happenings"]] == [5_000.0, 9_001.0]
    assert told["at"] == EPOCH_S + 12.0  # the charts have not moved
    assert {tick["at"] for tick in told["ticks"]} <= {EPOCH_S + 10.0, EPOCH_S + 11.0}


def test_the_log_is_bounded() -> None:
    shown = page()
    for number in range(500):
        state = replace(STATE, term=number, leader=("master", "worker")[number % 2])
        shown.look(view(state=state), 10.0)
    assert len(texts(shown.everything(10.0))) == 200


def test_all_documents_are_json() -> None:
    shown = page()
    shown.look(ClusterView(view().snapshot), 10.0)
    shown.heard(answer(result()), 10.1)
    shown.advance(12.0)
    assert json.loads(json.dumps(shown.everything(12.0))) == shown.everything(12.0)
