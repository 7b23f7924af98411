"""What must hold, by name. The first of all, one leader a term, is watched by `World` itself."""

import numpy as np

from edge_agent.core.answers import softmax
from fluid.messages import ErrorReply, Mode, Result
from fluid.submodel import combine
from tests.simulation.bundle import simulated_logits
from tests.simulation.world import World


def nothing_is_lost(world: World) -> None:
    """Every request has an answer, and it is a result."""
    assert world.client.lost() == []
    errors = [
        reply
        for replies in world.client.answers.values()
        for reply in replies
        if isinstance(reply, ErrorReply)
    ]
    assert errors == []


def nothing_is_made_up(world: World) -> None:
    """No answer to a request that was never sent."""
    assert world.client.answers.keys() <= world.client.sent.keys()


def equal_subnetworks_give_equal_answers(world: World) -> None:
    """What a sub-network says of an image does not depend on who ran it, or when."""
    for request_id, replies in world.client.answers.items():
        payload = world.client.sent[request_id]
        for reply in replies:
            assert isinstance(reply, Result)
            stages = next(
                subnetwork.stages
                for subnetwork in world.manifest.subnetworks
                if subnetwork.name == reply.subnetwork
            )
            logits = combine([simulated_logits(stage, payload) for stage in stages])
            expected = [round(float(p), 6) for p in softmax(logits)[0]]
            assert reply.probabilities == tuple(expected)
            assert reply.label == int(np.argmax(logits))


def the_cluster_has_settled(world: World) -> None:
    """All agree on leader, mode and placement; nothing is held; no session hides a request."""
    state = world.cluster()
    assert state is not None
    up = world.up()
    assert state.leader == min(up, key=lambda device: (-device.role.priority, device.agent)).agent
    assert state.members == tuple(sorted(device.agent for device in up))
    assert {agent for holders in state.placement.values() for agent in holders} == set(
        state.members
    )
    assert state.mode in (Mode.HA, Mode.HT)
    for device in up:
        assert device.node.cluster_state == state, device.agent
        assert device.node.serving_mode is state.mode, device.agent
        assert device.node.held_requests == 0, device.agent
    for agent in world.devices:
        assert not world.broker.backlog(f"fluid:{agent}"), agent


def all_hold(world: World) -> None:
    """Every invariant, once faults have ended and time has passed."""
    nothing_is_made_up(world)
    equal_subnetworks_give_equal_answers(world)
    nothing_is_lost(world)
    the_cluster_has_settled(world)
