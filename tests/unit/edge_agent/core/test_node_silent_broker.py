"""What a node does about a broker that keeps its connection and brings nothing back."""

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.core.effects import Effect, Note
from edge_agent.core.events import LinkName
from fluid.bus import CloseReason
from fluid.messages import AgentState, Mode
from tests.unit.edge_agent.core.loopback import Loopback
from tests.unit.edge_agent.making import TIMING, all_of, arrival

PREFERRED, FALLBACK = 0, 1
BEAT_S = TIMING.heartbeat_s
LONG_S = 60.0


def serving(*, brokers: int = 2) -> Loopback:
    loopback = Loopback(brokers=brokers).start()
    loopback.run(LONG_S)
    assert loopback.node.serving_mode is Mode.HA
    return loopback


def at_fallback() -> Loopback:
    loopback = serving()
    loopback.down.add(PREFERRED)
    loopback.happen(
        seen.LinkClosed(LinkName.CONTROL, CloseReason.LOST),
        seen.LinkClosed(LinkName.INFER, CloseReason.LOST),
    )
    loopback.run(1.0)
    assert loopback.node.serving_mode is Mode.HA
    return loopback


def controls(effects: list[Effect]) -> list[int]:
    """The brokers at which the control link was opened, in turn."""
    return [opened.broker for opened in all_of(effects, do.OpenControl)]


def says_silent(effects: list[Effect]) -> bool:
    return any(note.event == "broker_silent" for note in all_of(effects, Note))


def test_a_silent_broker_is_left_for_the_next_and_not_tried_once_more() -> None:
    loopback = serving()
    loopback.silent.add(PREFERRED)
    effects = loopback.run(TIMING.deaf_s + 2 * BEAT_S)
    assert says_silent(effects)
    assert controls(effects) == [FALLBACK]
    for link in LinkName:
        assert do.DropLink(link) in effects
    assert loopback.node.leads
    assert loopback.node.serving_mode is Mode.HA


def test_it_says_goodbye_in_case_the_broker_only_stalls() -> None:
    loopback = serving()
    loopback.silent.add(PREFERRED)
    effects = loopback.run(TIMING.deaf_s + 2 * BEAT_S)
    said = [each.presence.state for each in all_of(effects, do.PublishPresence)]
    assert said[0] is AgentState.OFFLINE


def test_the_only_broker_is_waited_for() -> None:
    loopback = serving(brokers=1)
    loopback.silent.add(PREFERRED)
    effects = loopback.run(LONG_S)
    assert not says_silent(effects)
    assert controls(effects) == []


def test_a_broker_that_stalls_for_less_is_not_left() -> None:
    loopback = serving()
    for _ in range(5):
        loopback.silent.add(PREFERRED)
        effects = loopback.run(TIMING.deaf_s - BEAT_S)
        loopback.silent.clear()
        effects += loopback.run(BEAT_S)
        assert not says_silent(effects)
        assert controls(effects) == []
    assert loopback.node.serving_mode is Mode.HA


def test_an_agent_that_hung_itself_does_not_blame_the_broker() -> None:
    loopback = serving()
    loopback.now += LONG_S
    effects = loopback.happen(seen.Tick()) + loopback.run(LONG_S)
    assert not says_silent(effects)
    assert controls(effects) == []


def test_silence_before_a_link_broke_does_not_count_on_the_next() -> None:
    loopback = serving()
    loopback.silent.add(PREFERRED)
    loopback.run(TIMING.deaf_s - BEAT_S)
    loopback.silent.clear()
    loopback.happen(seen.LinkClosed(LinkName.CONTROL, CloseReason.LOST))
    loopback.silent.add(PREFERRED)
    assert not says_silent(loopback.run(TIMING.deaf_s - BEAT_S))


def test_an_agent_that_ends_does_not_go_anywhere_else() -> None:
    loopback = serving()
    loopback.computes = False
    loopback.happen(arrival("1"))
    loopback.silent.add(PREFERRED)
    loopback.run(TIMING.deaf_s - BEAT_S)
    effects = loopback.happen(seen.LeaveRequested()) + loopback.run(LONG_S)
    assert not says_silent(effects)
    assert controls(effects) == []
    assert effects[-1] == do.Exit(0)


def test_a_fallback_that_falls_silent_during_the_return_is_left_for_the_preferred_one() -> None:
    loopback = at_fallback()
    loopback.computes = False
    loopback.happen(arrival("1"))
    loopback.down.clear()
    loopback.run(1.5 * TIMING.probe_s)
    loopback.silent.add(FALLBACK)
    effects = loopback.run(TIMING.probe_s + TIMING.leave_s + BEAT_S)
    assert controls(effects) == [PREFERRED]
    assert loopback.node.serving_mode is Mode.HA


def test_a_probe_that_ends_after_its_fallback_was_left_changes_nothing() -> None:
    loopback = at_fallback()
    loopback.run(1.5 * TIMING.probe_s)
    loopback.silent.add(FALLBACK)
    effects = loopback.run(TIMING.deaf_s - BEAT_S)
    loopback.down.clear()
    effects += loopback.run(3 * BEAT_S)
    assert controls(effects) == [PREFERRED]
    loopback.happen(*[seen.BrokerProbed(PREFERRED, answered=True)] * 2)
    assert controls(loopback.run(LONG_S)) == []
    assert loopback.node.serving_mode is Mode.HA


def test_a_broker_that_stalled_for_long_is_returned_to() -> None:
    loopback = serving()
    loopback.silent.add(PREFERRED)
    loopback.run(TIMING.deaf_s + 2 * BEAT_S)
    loopback.silent.clear()
    effects = loopback.run(6 * TIMING.probe_s)
    assert controls(effects) == [PREFERRED]
    assert loopback.node.leads
    assert loopback.node.serving_mode is Mode.HA
    assert not says_silent(loopback.run(LONG_S))
