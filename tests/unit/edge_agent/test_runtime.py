import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge_agent.bundle_source import BundleSource
from edge_agent.core.effects import Effect, SendReply
from edge_agent.core.events import Event, LeaveRequested, ModeWished, RequestArrived, Started
from edge_agent.core.node import Node
from edge_agent.core.settings import Settings
from edge_agent.observer import Observer, View
from edge_agent.runtime import Agent, Outcome
from edge_agent.wire import SessionOptions, Wire
from edge_agent.wishes import HANDOVERS_PROPERTY
from fluid.bundle import Bundle, write_bundle
from fluid.bus import Bus, Link, LinkOptions, Message, Sink, Subscription
from fluid.bus.memory import MemoryBus
from fluid.codec import decode_images
from fluid.interpreter import InterpreterPackage
from fluid.messages import (
    AgentState,
    ErrorReply,
    Malformed,
    Mode,
    Presence,
    Result,
    Role,
    decode_presence,
    decode_replies,
)
from fluid.topics import Topics
from tests.processes import wait_until
from tests.recorder import Recorder

if TYPE_CHECKING:
    from trainer.data import Dataset

TIMEOUT_S = 30.0  # only to end a failing test

MakeAgent = Callable[..., Agent]


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


@pytest.fixture
def make_agent(bus: MemoryBus, bundle: Bundle, package: InterpreterPackage) -> MakeAgent:
    settings = Settings("pi", Role.MASTER, bundle.manifest, bundle.digest)
    wire = Wire(Topics(), "pi", SessionOptions())

    def make(on: Bus = bus, *fallbacks: Bus, observers: Sequence[Observer] = ()) -> Agent:
        known = replace(settings, brokers=1 + len(fallbacks))
        return Agent(
            known,
            bundle,
            bus=on,
            wire=wire,
            package=package,
            fallbacks=fallbacks,
            observers=observers,
        )

    return make


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def listener(bus: MemoryBus, topic_filter: str) -> Recorder:
    made = Recorder(bus, LinkOptions(f"listener of {topic_filter[-12:]}"))
    made.opened()
    made.subscribe(Subscription(topic_filter))
    return made


def await_presence(presences: Recorder, fits: Callable[[Presence], bool]) -> Presence:
    while True:
        (payload,) = presences.payloads(1)
        presence = decode_presence(payload)
        assert not isinstance(presence, Malformed)
        if fits(presence):
            return presence


def test_an_agent_serves_an_image_and_ends_in_good_order(
    bus: MemoryBus, make_agent: MakeAgent, threads: ThreadPoolExecutor, digits: "Dataset"
) -> None:
    presences = listener(bus, "fluid/presence/pi")
    results = listener(bus, "fluid/result/#")
    agent = make_agent()
    outcome = threads.submit(agent.run)
    await_presence(presences, lambda presence: presence.serving is Mode.HA)

    image = digits.test.images[0].tobytes()
    for name, payload in (("good", image), ("bad", b"no image")):
        results.publish(Message(f"fluid/infer/{name}", payload, qos=1))
    answers = {}
    for payload in results.payloads(2):
        replies = decode_replies(payload)
        assert not isinstance(replies, Malformed)
        answers[replies[0].id] = replies[0]
    good, bad = answers["good"], answers["bad"]
    assert isinstance(good, Result)
    assert (good.subnetwork, good.devices) == ("lower50", ("pi",))
    assert isinstance(bad, ErrorReply)
    assert bad.code == "not_an_image"

    agent.leave()
    assert outcome.result(TIMEOUT_S) == Outcome(0)
    await_presence(presences, lambda presence: presence.state is AgentState.OFFLINE)
    assert bus.broker.backlog("fluid:pi") == 0


def test_a_second_agent_under_the_same_id_ends_with_a_message(
    bus: MemoryBus, make_agent: MakeAgent, threads: ThreadPoolExecutor
) -> None:
    presences = listener(bus, "fluid/presence/pi")
    first = make_agent()
    outcome = threads.submit(first.run)
    await_presence(presences, lambda presence: presence.serving is Mode.HA)
    refused = threads.submit(make_agent().run).result(TIMEOUT_S)
    assert refused.status == 4
    assert "'pi'" in refused.message
    assert not outcome.done()
    first.leave()
    assert outcome.result(TIMEOUT_S) == Outcome(0)


def test_an_agent_that_is_told_to_leave_before_it_runs_ends_at_once(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.leave()
    assert agent.run() == Outcome(0)


def test_an_agent_leaves_no_thread_behind(make_agent: MakeAgent) -> None:
    before = set(threading.enumerate())
    agent = make_agent()
    agent.leave()
    agent.run()
    assert set(threading.enumerate()) <= before


def test_what_happened_is_a_line_of_names_and_values(
    make_agent: MakeAgent, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    agent = make_agent()
    agent.leave()
    agent.run()
    assert "leaving held=0" in [record.getMessage() for record in caplog.records]


class Onlooker:
    """Keeps what it is shown, and by which threads."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.effects: list[Effect] = []
        self.views: list[View] = []
        self.times: list[float] = []
        self.threads: set[int] = set()

    def observe(self, event: Event, effects: Sequence[Effect], now: float) -> None:
        self.events.append(event)
        self.effects += effects
        self.times.append(now)
        self.threads.add(threading.get_ident())

    def beat(self, view: View) -> None:
        self.views.append(view)
        self.threads.add(threading.get_ident())


def test_observers_are_shown_each_step_and_how_things_stand_by_one_thread(
    bus: MemoryBus, make_agent: MakeAgent, threads: ThreadPoolExecutor, digits: "Dataset"
) -> None:
    presences, results = listener(bus, "fluid/presence/pi"), listener(bus, "fluid/result/#")
    onlookers = (Onlooker(), Onlooker())
    agent = make_agent(observers=onlookers)
    outcome = threads.submit(agent.run)
    await_presence(presences, lambda presence: presence.serving is Mode.HA)
    results.publish(Message("fluid/cluster/nonsense", b"", qos=1))
    results.publish(Message("fluid/mode/set", b"no mode", qos=1))
    results.publish(Message("fluid/infer/one", digits.test.images[0].tobytes(), qos=1))
    results.payloads(1)
    agent.leave()
    assert outcome.result(TIMEOUT_S) == Outcome(0)
    first, second = onlookers
    assert first.events == second.events
    assert isinstance(first.events[0], Started)
    assert LeaveRequested() in first.events
    assert sum(isinstance(event, RequestArrived) for event in first.events) == 1
    assert sum(isinstance(effect, SendReply) for effect in first.effects) == 1
    assert first.times == sorted(first.times)
    assert len(first.threads) == 1
    # The state is shown as soon as it is known, however quickly all this went.
    assert first.views[0].state is None
    assert any(view.state is not None and view.leads for view in first.views)
    assert first.views[-1].malformed == {"mode": 1}


class LateBus:
    """A bus whose broker is not there for the first connections."""

    def __init__(self, bus: MemoryBus, *, failures: int) -> None:
        absent = MemoryBus()
        absent.broker.stop(keep_sessions=True)
        self._buses = [absent] * failures + [bus]

    def open(self, options: LinkOptions, sink: Sink) -> Link:
        bus = self._buses.pop(0) if len(self._buses) > 1 else self._buses[0]
        return bus.open(options, sink)


def test_an_agent_that_finds_no_broker_says_so_and_tries_again(
    bus: MemoryBus,
    make_agent: MakeAgent,
    threads: ThreadPoolExecutor,
    caplog: pytest.LogCaptureFixture,
) -> None:
    presences = listener(bus, "fluid/presence/pi")
    agent = make_agent(LateBus(bus, failures=2))
    outcome = threads.submit(agent.run)
    await_presence(presences, lambda presence: presence.serving is Mode.HA)
    agent.leave()
    assert outcome.result(TIMEOUT_S) == Outcome(0)
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 2
    for warning in warnings:
        assert warning.startswith("link_closed link=control reason=unreachable detail=")
        assert '"the broker does not run"' in warning


@dataclass
class NamedBus:
    """A bus with an address, as one to a real broker has."""

    bus: MemoryBus
    address: str

    def __str__(self) -> str:
        return self.address

    def open(self, options: LinkOptions, sink: Sink) -> Link:
        return self.bus.open(options, sink)


def test_an_agent_serves_at_the_fallback_and_names_brokers_by_their_addresses(
    bus: MemoryBus,
    make_agent: MakeAgent,
    threads: ThreadPoolExecutor,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    absent = MemoryBus()
    absent.broker.stop(keep_sessions=True)
    presences = listener(bus, "fluid/presence/pi")
    agent = make_agent(NamedBus(absent, "mqtt://attic:1883"), NamedBus(bus, "mqtt://hall:1883"))
    outcome = threads.submit(agent.run)
    await_presence(presences, lambda presence: presence.serving is Mode.HA)
    agent.leave()
    assert outcome.result(TIMEOUT_S) == Outcome(0)
    lines = [record.getMessage() for record in caplog.records]
    (closed,) = (line for line in lines if line.startswith("link_closed"))
    assert closed.startswith("link_closed link=control broker=mqtt://attic:1883 reason=unreachable")
    assert closed.endswith("retry_in_s=0.0 next_broker=mqtt://hall:1883")
    assert "link_opened link=infer broker=mqtt://hall:1883" in lines


def test_a_bundle_that_is_put_in_place_is_served_from_then_on(
    bus: MemoryBus,
    bundle: Bundle,
    package: InterpreterPackage,
    threads: ThreadPoolExecutor,
    digits: "Dataset",
    tmp_path: Path,
) -> None:
    folder = tmp_path / "bundle"
    write_bundle(folder, bundle)
    settings = Settings("pi", Role.MASTER, bundle.manifest, bundle.digest)
    agent = Agent(
        settings,
        bundle,
        bus=bus,
        wire=Wire(Topics(), "pi", SessionOptions()),
        package=package,
        source=BundleSource.at(folder),
    )
    presences = listener(bus, "fluid/presence/pi")
    results = listener(bus, "fluid/result/#")
    outcome = threads.submit(agent.run)
    await_presence(presences, lambda presence: presence.serving is Mode.HA)
    second = Bundle(replace(bundle.manifest, name="second"), bundle.models)
    write_bundle(folder, second)
    agent.reload()
    await_presence(presences, lambda presence: presence.bundle == second.digest)
    results.publish(Message("fluid/infer/1", digits.test.images[0].tobytes(), qos=1))
    (payload,) = results.payloads(1)
    assert json.loads(payload)["bundle"] == second.digest[:12]
    agent.leave()
    assert outcome.result(TIMEOUT_S) == Outcome(0)


def run_until_serving(
    bus: MemoryBus, agent: Agent, threads: ThreadPoolExecutor
) -> tuple[Recorder, "Future[Outcome]"]:
    presences = listener(bus, "fluid/presence/pi")
    outcome = threads.submit(agent.run)
    await_presence(presences, lambda presence: presence.serving is Mode.HA)
    return presences, outcome


def test_requests_wait_in_the_inbox_while_a_suspect_waits_for_the_executor(
    bus: MemoryBus,
    make_agent: MakeAgent,
    threads: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edge_agent.admission.MOST_ALONE_S", TIMEOUT_S)
    is_busy, may_go_on = threading.Event(), threading.Event()

    def decode_slowly(*arguments: object) -> object:
        is_busy.set()
        assert may_go_on.wait(TIMEOUT_S)
        return decode_images(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("edge_agent.executor.decode_images", decode_slowly)
    onlooker = Onlooker()
    _, outcome = run_until_serving(bus, agent := make_agent(observers=[onlooker]), threads)
    results = listener(bus, "fluid/result/#")

    def send(name: str, *properties: tuple[str, str]) -> None:
        message = Message(f"fluid/infer/{name}", b"", qos=1, user_properties=properties)
        results.publish(message)

    def arrived() -> list[str]:
        return [each.request.id for each in onlooker.events if isinstance(each, RequestArrived)]

    send("first")
    assert is_busy.wait(TIMEOUT_S)
    send("suspect", (HANDOVERS_PROPERTY, "1"))
    wait_until(lambda: arrived() == ["first", "suspect"])
    send("later")
    results.publish(Message("fluid/mode/set", b"ht", qos=1))
    wait_until(lambda: any(isinstance(event, ModeWished) for event in onlooker.events))
    assert arrived() == ["first", "suspect"]
    may_go_on.set()
    assert len(results.payloads(3)) == 3
    assert arrived() == ["first", "suspect", "later"]
    agent.leave()
    assert outcome.result(TIMEOUT_S) == Outcome(0)


def ask(bus: MemoryBus) -> None:
    Recorder(bus, LinkOptions("asker")).publish(Message("fluid/infer/1", b"", qos=1))


def test_an_agent_whose_executor_fails_ends_and_is_said_to_be_offline(
    bus: MemoryBus,
    make_agent: MakeAgent,
    threads: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    presences, outcome = run_until_serving(bus, make_agent(), threads)

    def run_out(*_arguments: object) -> None:
        raise MemoryError("no more")

    monkeypatch.setattr("edge_agent.executor.decode_images", run_out)
    ask(bus)
    assert outcome.result(TIMEOUT_S) == Outcome(1, "the executor failed: MemoryError('no more')")
    await_presence(presences, lambda presence: presence.state is AgentState.OFFLINE)
    assert bus.broker.backlog("fluid:pi") == 1  # for another, or for the next start


def test_an_agent_whose_state_thread_fails_ends_and_is_said_to_be_offline(
    bus: MemoryBus,
    make_agent: MakeAgent,
    threads: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    presences, outcome = run_until_serving(bus, make_agent(), threads)

    def fail(*_arguments: object) -> None:
        raise LookupError("a bug")

    monkeypatch.setattr(Node, "step", fail)
    ask(bus)
    assert outcome.result(TIMEOUT_S) == Outcome(1, "the state thread failed: LookupError('a bug')")
    await_presence(presences, lambda presence: presence.state is AgentState.OFFLINE)


def test_a_failure_that_somebody_reports_ends_the_agent(
    bus: MemoryBus, make_agent: MakeAgent, threads: ThreadPoolExecutor
) -> None:
    agent = make_agent()
    _, outcome = run_until_serving(bus, agent, threads)
    agent.fail("the thread 'x' failed")
    assert outcome.result(TIMEOUT_S) == Outcome(1, "the thread 'x' failed")
