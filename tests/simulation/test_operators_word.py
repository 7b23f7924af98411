"""An operator speaks while two devices start, and the lead changes hands just then."""

from functools import partial

import pytest

from fluid.messages import AgentState, Mode, Presence, decode_presence
from tests.simulation import faults
from tests.simulation.world import World

_STEP_S = 0.0005
_STEPS = 24


def starting_again(*, master_after_s: float) -> World:
    """A cluster that was stopped in good order and starts again, the worker first: the moment
    from which on somebody seems to lead, as the worker led last."""
    world = World()
    world.client.connect()
    world.boot("master", "worker")
    world.run(2.0)
    for agent in ("master", "worker"):
        world.devices[agent].leave()
        world.run(1.0)
    world.boot("worker")
    world.after(master_after_s, partial(world.boot, "master"))
    while not is_online(world, "worker"):
        world.run(_STEP_S)
    return world


def is_online(world: World, agent: str) -> bool:
    """Whether the broker retains that it is; from then on it hears what the operator says."""
    message = world.broker.retained(f"fluid/presence/{agent}")
    presence = decode_presence(message.payload) if message else None
    return isinstance(presence, Presence) and presence.state is AgentState.ONLINE


@pytest.mark.parametrize("master_after_ms", range(5, 13))
def test_the_operators_word_stands_whoever_heard_it(master_after_ms: int) -> None:
    for step in range(_STEPS):
        world = starting_again(master_after_s=master_after_ms / 1000)
        world.after(step * _STEP_S, partial(faults.wish, world, "ht"))
        world.run(3.0)
        state = world.cluster()
        assert state is not None
        assert state.leader == "master"
        assert (state.mode, state.operator_mode) == (Mode.HT, Mode.HT), f"step {step}"
