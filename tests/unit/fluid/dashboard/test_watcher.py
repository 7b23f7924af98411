import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from fluid.bus.memory import MemoryBus
from fluid.bus.protocol import Closed, CloseReason, LinkOptions, Message
from fluid.client import Answer
from fluid.dashboard.page import Page
from fluid.dashboard.watcher import Watcher
from fluid.topics import Topics
from tests.processes import wait_until
from tests.recorder import Recorder
from tests.unit.fluid.client.fake_bus import FakeBus, never_answer
from tests.unit.fluid.dashboard.clusters import MASTER, STATE, WORKER, result

TOPICS = Topics()


@contextmanager
def watching(*buses: MemoryBus | FakeBus) -> Iterator[Watcher]:
    watcher = Watcher(buses, TOPICS, Page(TOPICS, 0.0, broker="the bus"))
    watcher.start()
    try:
        yield watcher
    finally:
        watcher.stop()


def cluster_of(bus: MemoryBus) -> Recorder:
    """What two agents have published, and the link to publish more."""
    agents = Recorder(bus, LinkOptions("agents"))
    agents.opened()
    for presence in (MASTER, WORKER):
        topic = TOPICS.presence(presence.agent)
        agents.link.publish(Message(topic, presence.encode(), qos=1, retain=True))
    agents.link.publish(Message(TOPICS.cluster, STATE.encode(), qos=1, retain=True))
    return agents


def texts(watcher: Watcher) -> list[str]:
    document, _ = watcher.everything()
    return [each["text"] for each in document["happenings"]]


def trouble(watcher: Watcher) -> str:
    document, _ = watcher.everything()
    return str(document["cluster"]["trouble"] or "")


def test_the_cluster_and_what_happens_in_it_are_heard() -> None:
    bus = MemoryBus()
    agents = cluster_of(bus)
    with watching(bus) as watcher:
        wait_until(lambda: any("2 devices are online" in text for text in texts(watcher)))
        moved = replace(STATE, term=9, leader="worker")
        agents.link.publish(Message(TOPICS.cluster, moved.encode(), qos=1, retain=True))
        wait_until(lambda: "worker leads, in term 9" in texts(watcher))
        agents.link.publish(Message("fluid/adopt/master", b"marker", qos=1))
        wait_until(lambda: "worker took over the requests of master" in texts(watcher))


def test_answers_of_all_requesters_are_counted() -> None:
    bus = MemoryBus()
    agents = cluster_of(bus)
    with watching(bus) as watcher:
        wait_until(lambda: bool(texts(watcher)))
        payload = json.dumps(result("door-7").to_json()).encode()
        agents.link.publish(Message("fluid/result/door-7", payload, qos=1))
        wait_until(lambda: watcher.everything()[0]["cluster"]["answered"] == 1)
        watcher.asked(Answer("own", (result("own"),), latency_ms=3.0))
        assert watcher.everything()[0]["cluster"]["answered"] == 2


def test_a_broker_that_is_not_there_at_first_is_told_and_tried_again() -> None:
    nobody = Closed(CloseReason.UNREACHABLE, "nothing listens there")
    bus = FakeBus(never_answer, refusals=[nobody])
    with watching(bus) as watcher:
        wait_until(lambda: len(texts(watcher)) == 2)
        assert texts(watcher) == [
            "no broker answers (nothing listens there)",
            "watching: no devices are online, nobody leads",
        ]


def test_a_broker_that_is_gone_is_known_until_it_is_back() -> None:
    bus = FakeBus(never_answer)
    with watching(bus) as watcher:
        wait_until(lambda: bool(texts(watcher)))
        assert watcher.broker_trouble == ""
        bus.refusals = [Closed(CloseReason.UNREACHABLE, "nothing listens there")]
        bus.links[-1].end(Closed(CloseReason.LOST, "it broke"))
        wait_until(lambda: "it broke" in watcher.broker_trouble)
        wait_until(lambda: not watcher.broker_trouble)


def test_a_broker_that_refuses_to_show_the_cluster_is_not_gone() -> None:
    bus = FakeBus(never_answer, subscribe_reason=0x87)
    with watching(bus) as watcher:
        wait_until(lambda: "does not let us read" in trouble(watcher))
        assert watcher.broker_trouble == ""


def test_of_several_brokers_the_next_may_take_requests() -> None:
    buses = FakeBus(never_answer), FakeBus(never_answer)
    with watching(*buses) as watcher:
        wait_until(lambda: bool(texts(watcher)))
        for bus in buses:
            bus.refusals = [Closed(CloseReason.UNREACHABLE, "nothing listens there")] * 100
        for link in (link for bus in buses for link in bus.links):
            link.end(Closed(CloseReason.LOST, "it broke"))
        wait_until(lambda: bool(trouble(watcher)))
        assert watcher.broker_trouble == ""


def test_the_log_goes_by_the_wall_clock_as_it_is_set() -> None:
    bus = MemoryBus()
    agents = cluster_of(bus)
    wall_s = [5_000.0]
    page = Page(TOPICS, 0.0, broker="the bus")
    watcher = Watcher([bus], TOPICS, page, wall_clock=lambda: wall_s[0])
    watcher.start()
    try:
        wait_until(lambda: bool(texts(watcher)))
        wall_s[0] = 9_000.0
        agents.link.publish(Message("fluid/adopt/master", b"marker", qos=1))
        wait_until(lambda: len(texts(watcher)) == 2)
    finally:
        watcher.stop()
    document, _ = watcher.everything()
    first, adopted = (each["at"] for each in document["happenings"])
    assert abs(first - 5_000.0) < 30.0
    assert abs(adopted - 9_000.0) < 30.0


def test_a_page_that_fails_does_not_look_alive_and_recovers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bus = MemoryBus()
    cluster_of(bus)
    with monkeypatch.context() as broken:
        broken.setattr(Page, "look", fail)
        with watching(bus) as watcher:
            wait_until(lambda: "MemoryError" in trouble(watcher))
            broken.undo()
            wait_until(lambda: not trouble(watcher))
            assert any("2 devices are online" in text for text in texts(watcher))


def fail(_page: Page, _view: object, _now_s: float) -> None:
    raise MemoryError


def test_news_come_after_what_was_told() -> None:
    bus = MemoryBus()
    cluster_of(bus)
    with watching(bus) as watcher:
        wait_until(lambda: bool(texts(watcher)))
        _, cursor = watcher.everything()
        document, _ = watcher.news(cursor)
        assert document["happenings"] == []
        assert watcher.cursor.happening == cursor.happening
