import pytest

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.core.effects import Effect
from edge_agent.core.events import Event, LinkName
from edge_agent.health import ECHO_BOUND_S, JOB_BOUND_S, Health
from fluid.bus import CloseReason
from fluid.errors import ErrorCode
from tests.unit.edge_agent.making import heartbeat, request

OPENED = seen.LinkOpened(LinkName.CONTROL)
CLOSED = seen.LinkClosed(LinkName.CONTROL, CloseReason.LOST)
JOB = do.Compute(request("door"), ("upper",))
FAILED = seen.ComputeFailed(b"k", seen.RequestFault(ErrorCode.EXECUTION_FAILED, "no"), "digest")


def ailment_after(now: float, *steps: tuple[float, Event, tuple[Effect, ...]]) -> str:
    health = Health("a")
    for at, event, effects in steps:
        health.take(event, effects, at)
    return health.ailment(now)


def echo(agent: str = "a") -> seen.HeartbeatSeen:
    return seen.HeartbeatSeen(heartbeat(agent))


def test_who_was_never_connected_is_well_however_long() -> None:
    assert ailment_after(1e6, (0.0, seen.Started(1), ())) == ""


def test_who_is_connected_and_hears_nothing_of_itself_is_not_well() -> None:
    assert ailment_after(ECHO_BOUND_S, (0.0, OPENED, ())) == ""
    assert "heartbeats have not come back" in ailment_after(ECHO_BOUND_S + 1, (0.0, OPENED, ()))


def test_only_its_own_heartbeat_shows_that_the_broker_brings_it_back() -> None:
    late = ECHO_BOUND_S + 1
    assert ailment_after(late, (0.0, OPENED, ()), (5.0, echo(), ())) == ""
    assert ailment_after(late, (0.0, OPENED, ()), (5.0, echo("b"), ())) != ""


@pytest.mark.parametrize(
    ("event", "effects"),
    [
        (CLOSED, ()),
        (seen.Tick(), (do.DropLink(LinkName.CONTROL),)),  # left for another broker
    ],
)
def test_who_looks_for_a_broker_is_well(event: Event, effects: tuple[Effect, ...]) -> None:
    assert ailment_after(1e6, (0.0, OPENED, ()), (1.0, event, effects)) == ""


def test_the_loss_of_the_requests_connection_is_not_that_of_the_other() -> None:
    lost = seen.LinkClosed(LinkName.INFER, CloseReason.LOST)
    assert ailment_after(1e6, (0.0, OPENED, ()), (1.0, lost, ())) != ""


def test_an_interpreter_that_does_not_come_back_is_an_ailment() -> None:
    assert ailment_after(JOB_BOUND_S, (0.0, seen.Tick(), (JOB,))) == ""
    assert "interpreter" in ailment_after(JOB_BOUND_S + 1, (0.0, seen.Tick(), (JOB,)))
    assert ailment_after(JOB_BOUND_S + 1, (0.0, seen.Tick(), (JOB,)), (9.0, FAILED, ())) == ""


def test_jobs_that_wait_for_others_have_their_time_from_when_it_is_their_turn() -> None:
    slow = 0.9 * JOB_BOUND_S
    steps = ((0.0, seen.Tick(), (JOB, JOB)), (slow, FAILED, (JOB,)))
    assert ailment_after(slow + JOB_BOUND_S, *steps) == ""
    assert ailment_after(slow + JOB_BOUND_S + 1, *steps) != ""


def test_an_interpreter_at_rest_is_well_however_long_it_rests() -> None:
    assert ailment_after(1e6, (0.0, seen.Tick(), (JOB,)), (1.0, FAILED, ())) == ""
