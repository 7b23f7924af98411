import pytest

from edge_agent.core import events as seen
from edge_agent.core.events import Event
from edge_agent.home_assistant.activity import REPORT_S
from edge_agent.home_assistant.announcer import Announcer
from edge_agent.home_assistant.discovery import Discovery
from edge_agent.observer import View
from fluid.bus import Message
from fluid.messages import Role
from fluid.topics import Topics
from tests.unit.edge_agent.making import offline, presence

DISCOVERY = Discovery(Topics(), "a", Role.WORKER, version="1")
AGENT, CLUSTER = DISCOVERY.of_agent(), DISCOVERY.of_cluster()
STATE = "fluid/state/a"
START = Message("homeassistant/status", b"online")
END = Message("homeassistant/status", b"offline")


def view(*, leads: bool) -> View:
    return View(None, leads=leads, serving=None, held=0, malformed={})


def announcer(*, leads: bool = False, withdraws: bool = False) -> Announcer:
    made = Announcer(DISCOVERY, withdraws=withdraws, now=0.0)
    made.beat(view(leads=leads))
    return made


def see(made: Announcer, event: Event, now: float) -> None:
    made.observe(event, (), now)


def topics(messages: list[Message]) -> list[str]:
    return [each.topic for each in messages]


def cleared(agent: str) -> Message:
    return DISCOVERY.cleared(DISCOVERY.agent_topic(agent))


def test_it_introduces_itself_and_says_how_it_does_when_the_link_opens() -> None:
    first, *rest = announcer().opened(0.0)
    assert first == AGENT
    assert topics(rest) == [STATE]


def test_the_leader_introduces_the_cluster_too() -> None:
    assert announcer(leads=True).opened(0.0)[:2] == [AGENT, CLUSTER]


def test_whoever_becomes_the_leader_says_the_cluster_once() -> None:
    made = announcer()
    made.opened(0.0)
    assert made.due(1.0) == []
    made.beat(view(leads=True))
    assert made.due(1.5) == [CLUSTER]
    made.beat(view(leads=True))
    assert made.due(2.0) == []


def test_who_leads_again_says_it_again() -> None:
    """Another said it meanwhile, in its own name."""
    made = announcer(leads=True)
    made.opened(0.0)
    made.beat(view(leads=False))
    assert made.due(1.0) == []
    made.beat(view(leads=True))
    assert made.due(1.5) == [CLUSTER]


@pytest.mark.parametrize("leads", [True, False])
def test_all_is_said_again_when_home_assistant_starts(*, leads: bool) -> None:
    made = announcer(leads=leads)
    first = made.opened(0.0)
    again = made.heard(START, 1.0)
    assert again[:-1] == first[:-1]
    assert topics(again)[-1] == STATE
    assert made.due(1.1) == []


def test_nothing_is_said_when_home_assistant_ends() -> None:
    made = announcer()
    made.opened(0.0)
    assert made.heard(END, 1.0) == []


def test_how_it_does_is_said_every_few_seconds_and_not_retained() -> None:
    made = announcer()
    made.opened(0.0)
    assert made.due(REPORT_S - 0.1) == []
    (report,) = made.due(REPORT_S)
    assert (report.topic, report.retain, report.qos) == (STATE, False, 0)
    assert made.due(REPORT_S + 0.1) == []
    assert topics(made.due(2 * REPORT_S)) == [STATE]


def test_the_leader_removes_whom_the_cluster_forgets() -> None:
    made = announcer(leads=True)
    made.opened(0.0)
    see(made, seen.PresenceCleared("b"), 1.0)
    assert made.due(2.0) == []
    assert made.due(3.0) == [cleared("b")]
    assert made.due(4.0) == []


def test_others_leave_that_to_the_leader() -> None:
    made = announcer()
    made.opened(0.0)
    see(made, seen.PresenceCleared("b"), 1.0)
    assert made.due(3.0) == []
    made.beat(view(leads=True))
    assert made.due(3.5) == [CLUSTER]


def test_an_agent_that_runs_and_says_so_again_is_not_removed() -> None:
    made = announcer(leads=True)
    made.opened(0.0)
    see(made, seen.PresenceCleared("b"), 1.0)
    see(made, seen.PresenceSeen(presence("b")), 1.1)
    assert made.due(3.0) == []


def test_a_late_will_does_not_keep_it() -> None:
    made = announcer(leads=True)
    made.opened(0.0)
    see(made, seen.PresenceCleared("b"), 1.0)
    see(made, seen.PresenceSeen(offline("b")), 1.1)
    assert made.due(3.0) == [cleared("b")]


def test_it_never_removes_itself_because_its_presence_was_cleared() -> None:
    made = announcer(leads=True)
    made.opened(0.0)
    see(made, seen.PresenceCleared("a"), 1.0)
    assert made.due(3.0) == []


def test_who_withdraws_clears_what_it_left_and_says_nothing_else() -> None:
    made = announcer(leads=True, withdraws=True)
    assert made.opened(0.0) == [cleared("a"), DISCOVERY.cleared(CLUSTER.topic)]
    assert made.heard(START, 1.0) == []
    see(made, seen.PresenceCleared("b"), 1.0)
    assert made.due(2 * REPORT_S) == []
