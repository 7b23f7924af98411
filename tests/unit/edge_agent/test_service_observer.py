from collections.abc import Sequence

import pytest

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.core.effects import Effect
from edge_agent.core.events import Event, LinkName
from edge_agent.health import ECHO_BOUND_S
from edge_agent.observer import View
from edge_agent.service_manager import ServiceManager
from edge_agent.service_observer import ServiceObserver
from fluid.bus import CloseReason
from fluid.messages import ClusterState, Mode
from tests.unit.edge_agent.making import cluster_state, heartbeat

WATCHDOG_S = 4.0


class Manager(ServiceManager):
    """Keeps what is said."""

    def __init__(self, watchdog_s: float | None = WATCHDOG_S) -> None:
        super().__init__("nowhere", watchdog_s=watchdog_s)
        self.said: list[str] = []

    def _say(self, words: str) -> None:
        self.said.append(words)


def view(
    state: ClusterState | None = None, serving: Mode | None = None, *, leads: bool = False
) -> View:
    return View(state=state, leads=leads, serving=serving, held=0, malformed={})


class Watched:
    def __init__(self, watchdog_s: float | None = WATCHDOG_S) -> None:
        self.manager = Manager(watchdog_s)
        self.observer = ServiceObserver(self.manager, "a", broker="mqtts://hall:8884")

    def step(self, now: float, event: Event | None = None, *effects: Effect) -> list[str]:
        """What is said of one step."""
        self.manager.said.clear()
        self.observer.observe(event or seen.Tick(), effects, now)
        return list(self.manager.said)

    def status(self, shown: View) -> Sequence[str]:
        self.manager.said.clear()
        self.observer.beat(shown)
        return [each.removeprefix("STATUS=") for each in self.manager.said]


def test_it_is_ready_once_its_state_turns_though_no_broker_is_there() -> None:
    watched = Watched(None)
    assert watched.step(0.0, seen.Started(1)) == ["READY=1"]
    assert watched.step(0.5) == []


def test_signs_of_life_come_twice_as_often_as_they_must() -> None:
    watched = Watched()
    watched.step(0.0, seen.Started(1))
    said = [watched.step(now / 2) for now in range(1, 17)]
    assert [at / 2 + 0.5 for at, words in enumerate(said) if words] == [2.0, 4.0, 6.0, 8.0]
    assert said[3] == ["WATCHDOG=1"]


def test_who_is_not_well_gives_no_sign_and_says_why() -> None:
    watched = Watched()
    watched.step(0.0, seen.LinkOpened(LinkName.CONTROL))
    assert watched.step(ECHO_BOUND_S + 1) == []
    (status,) = watched.status(view())
    assert "heartbeats have not come back" in status
    echo = seen.HeartbeatSeen(heartbeat("a"))
    assert watched.step(ECHO_BOUND_S + 2, echo) == ["WATCHDOG=1"]


def test_the_status_says_what_it_does_and_is_not_repeated() -> None:
    watched = Watched()
    assert watched.status(view()) == ["connecting to mqtts://hall:8884"]
    assert watched.status(view()) == []
    lost = seen.LinkClosed(LinkName.CONTROL, CloseReason.UNREACHABLE, "cannot connect to hall")
    watched.step(0.0, lost)
    assert watched.status(view()) == ["not connected: cannot connect to hall"]
    watched.step(1.0, seen.LinkOpened(LinkName.CONTROL))
    assert watched.status(view()) == ["connected; serves nothing yet"]
    state = cluster_state(1, "b", members=("a", "b"))
    assert watched.status(view(state, Mode.HT)) == ["serves in ht; follows b; members: 2"]
    assert watched.status(view(state, Mode.HT, leads=True)) == ["serves in ht; leads; members: 2"]


@pytest.mark.parametrize(
    ("event", "effects"), [(seen.LeaveRequested(), ()), (seen.Tick(), (do.Exit(0),))]
)
def test_it_says_once_that_it_ends(event: Event, effects: tuple[Effect, ...]) -> None:
    watched = Watched(None)
    watched.step(0.0)
    assert watched.step(1.0, event, *effects)[-1] == "STOPPING=1"
    assert watched.step(2.0, event, *effects) == []
    assert watched.status(view()) == []
