import time
from collections.abc import Callable

import pytest

from fluid.bench.errors import NotServing
from fluid.bench.mode_log import ModeLog, Switch
from fluid.bus.memory import MemoryBus
from fluid.bus.protocol import Closed, CloseReason, LinkOptions, Message
from fluid.messages.control import ClusterState, Mode
from tests.unit.fluid.client.fake_bus import FakeBus

TOPIC = "fluid/cluster"
Decide = Callable[[Mode], None]


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


@pytest.fixture
def decide(bus: MemoryBus) -> Decide:
    """Say as the leader, retained, that the mode is this one."""
    link = bus.open(LinkOptions("leader"), lambda _event: None)

    def say(mode: Mode) -> None:
        state = ClusterState(term=1, epoch=0, leader="master", mode=mode)
        link.publish(Message(TOPIC, state.encode(), qos=1, retain=True))

    return say


def _modes(switches: list[Switch]) -> list[Mode]:
    return [each.mode for each in switches]


def test_changes_are_heard_with_their_times(bus: MemoryBus, decide: Decide) -> None:
    decide(Mode.HA)
    with ModeLog(bus, TOPIC) as log:
        begin_s = time.monotonic()
        decide(Mode.HT)
        decide(Mode.HA)
        switches = log.switches(since_s=begin_s)
    assert _modes(switches) == [Mode.HT, Mode.HA]
    assert 0 <= switches[0].at_s <= switches[1].at_s


def test_a_decision_that_leaves_the_mode_is_no_switch(bus: MemoryBus, decide: Decide) -> None:
    with ModeLog(bus, TOPIC) as log:
        for mode in (Mode.HA, Mode.HA, Mode.HT, Mode.HT):
            decide(mode)
        assert _modes(log.switches(since_s=0.0)) == [Mode.HT]


def test_what_changed_before_the_stream_began_does_not_count(
    bus: MemoryBus, decide: Decide
) -> None:
    with ModeLog(bus, TOPIC) as log:
        decide(Mode.HT)
        decide(Mode.HA)
        assert log.switches(since_s=time.monotonic()) == []


def test_what_is_no_decision_is_passed_over(bus: MemoryBus, decide: Decide) -> None:
    link = bus.open(LinkOptions("somebody"), lambda _event: None)
    with ModeLog(bus, TOPIC) as log:
        decide(Mode.HA)
        link.publish(Message(TOPIC, b"rubbish", qos=1))
        decide(Mode.HT)
        assert _modes(log.switches(since_s=0.0)) == [Mode.HT]


def test_without_a_connection_nothing_is_measured() -> None:
    bus = FakeBus(refusals=[Closed(CloseReason.UNREACHABLE, "nothing listens there")])
    with pytest.raises(NotServing, match="nothing listens there"), ModeLog(bus, TOPIC):
        pass
