"""The main stories of a cluster of two, told once each."""

from functools import partial

import pytest

from fluid.bus import Message
from fluid.messages import ErrorReply, Mode
from tests.simulation.clients import LibraryClient
from tests.simulation.invariants import SETTLED, expect, expect_all
from tests.simulation.world import World


def started(*agents: str, mode: Mode = Mode.HA) -> World:
    """A world whose devices have found one another and serve in a mode."""
    world = World()
    world.client.connect()
    world.boot(*agents)
    world.run(1.0)
    set_mode(world, mode)
    world.run(1.0)
    return world


def set_mode(world: World, mode: Mode) -> None:
    world.client.publish_raw(Message("fluid/mode/set", mode.encode(), qos=1))


def settle(world: World) -> None:
    world.run(15.0)
    expect_all(world)


def test_master_leads_and_takes_the_lower_slot_whoever_boots_first() -> None:
    for order in (("master", "worker"), ("worker", "master")):
        world = World()
        for agent in order:
            world.boot(agent)
            world.run(0.7)
        world.run(1.0)
        state = world.cluster()
        assert state is not None
        assert state.leader == "master"
        assert state.placement == {"lower": ("master",), "upper": ("worker",)}


def test_in_ha_every_answer_comes_from_both_devices_once() -> None:
    world = started("master", "worker")
    world.client.stream(50, every_s=0.01)
    settle(world)
    assert world.client.subnetworks() == {"100": 50}
    assert world.client.answered_twice() == []


def test_in_ht_each_image_is_answered_by_one_device_once() -> None:
    world = started("master", "worker", mode=Mode.HT)
    world.client.stream(50, every_s=0.01)
    settle(world)
    assert world.client.subnetworks() == {"lower50": 25, "upper50": 25}
    assert world.client.answered_twice() == []


def test_worker_killed_in_ha_leaves_the_lower_half_answering() -> None:
    world = started("master", "worker")
    world.client.stream(200, every_s=0.01)
    world.after(1.0, world.devices["worker"].crash)
    settle(world)
    counts = world.client.subnetworks()
    assert counts["100"] >= 90
    assert counts["lower50"] >= 90


def test_master_killed_in_ha_leaves_the_upper_half_answering() -> None:
    world = started("master", "worker")
    world.client.stream(200, every_s=0.01)
    world.after(1.0, world.devices["master"].crash)
    settle(world)
    assert world.client.subnetworks()["upper50"] >= 90
    state = world.cluster()
    assert state is not None
    assert state.leader == "worker"


def test_either_killed_in_ht_leaves_its_session_to_the_other() -> None:
    for victim in ("master", "worker"):
        world = started("master", "worker", mode=Mode.HT)
        world.client.stream(400, every_s=0.002)
        world.after(0.5, world.devices[victim].crash)
        settle(world)
        assert any("adoption_finished" in line for line in world.transcript)


def test_silent_device_is_found_out_and_fenced() -> None:
    for mode in (Mode.HA, Mode.HT):
        world = started("master", "worker", mode=mode)
        world.client.stream(600, every_s=0.01)
        world.after(1.0, world.devices["worker"].hang)
        world.after(6.0, world.devices["worker"].go_on)
        settle(world)


def test_killed_device_returns_and_takes_its_slot_again() -> None:
    world = started("master", "worker")
    world.client.stream(400, every_s=0.01)
    world.after(1.0, world.devices["master"].crash)
    world.after(2.0, lambda: world.boot("master"))
    settle(world)
    state = world.cluster()
    assert state is not None
    assert state.leader == "master"
    assert state.placement == {"lower": ("master",), "upper": ("worker",)}


def test_all_dead_and_one_back_answers_what_was_left() -> None:
    world = started("master", "worker", mode=Mode.HT)
    world.client.stream(40, every_s=0.01)
    for agent in ("master", "worker"):
        world.after(0.2, world.devices[agent].crash)
    world.after(3.0, lambda: world.boot("worker"))
    settle(world)


def test_leaving_in_good_order_loses_nothing_and_answers_nothing_twice() -> None:
    world = started("master", "worker", mode=Mode.HT)
    world.client.stream(200, every_s=0.01)
    world.after(1.0, world.devices["worker"].leave)
    settle(world)
    assert world.devices["worker"].exit_status == 0
    assert world.client.answered_twice() == []


def test_second_agent_under_a_name_that_serves_is_refused() -> None:
    world = started("master", "worker")
    impostor = world.impostor("worker")
    world.client.stream(100, every_s=0.01)
    settle(world)
    assert impostor.exit_status == 4
    assert world.devices["worker"].is_up
    assert world.client.subnetworks() == {"100": 100}


def test_what_a_second_agent_finds_under_its_name_may_be_blamed_for_a_death() -> None:
    """It finds the session and the note of a process that lives, and takes them for its own."""
    world = started("master", "worker")
    world.broker.stop(keep_sessions=True)
    world.run(1.0)
    world.broker.start()
    impostor = world.impostor("worker")
    world.run(0.2)
    assert impostor.is_up
    assert world.devices["worker"].is_up
    assert [down.agent for down in world.downs] == ["worker"]


@pytest.mark.parametrize("mode", [Mode.HA, Mode.HT])
@pytest.mark.parametrize("every_s", [0.0005, 0.002, 0.004, 0.02])
def test_equal_requests_without_ids_are_answered_as_often_as_they_are_asked(
    mode: Mode, every_s: float
) -> None:
    world = started("master", "worker", mode=mode)
    world.client.stream_equal(300, every_s=every_s)
    world.run(15.0)
    expect(world, *SETTLED)
    assert world.client.still_answered == 300


@pytest.mark.parametrize("mode", [Mode.HA, Mode.HT])
@pytest.mark.parametrize("victim", ["master", "worker"])
@pytest.mark.parametrize("fault", ["crash", "hang", "lose_network", "leave"])
def test_equal_requests_are_not_lost_with_a_device(mode: Mode, victim: str, fault: str) -> None:
    world = started("master", "worker", mode=mode)
    world.client.stream_equal(600, every_s=0.004)
    world.after(1.2, getattr(world.devices[victim], fault))
    if fault == "hang":
        world.after(6.0, world.devices[victim].go_on)
    world.run(20.0)
    expect(world, *SETTLED)
    assert world.client.still_answered >= 600


def test_equal_requests_are_not_lost_while_the_mode_changes() -> None:
    world = started("master", "worker")
    world.client.stream_equal(1500, every_s=0.003)
    for step, mode in enumerate([Mode.HT, Mode.HA] * 4):
        world.after(0.5 * (step + 1), partial(set_mode, world, mode))
    world.run(20.0)
    expect(world, *SETTLED)
    assert world.client.still_answered >= 1500


def test_a_burst_in_ha_is_answered_by_both_devices_once() -> None:
    world = started("master", "worker")
    world.client.stream(600, every_s=0.0005)
    settle(world)
    assert world.client.subnetworks() == {"100": 600}
    assert world.client.answered_twice() == []


@pytest.mark.parametrize(("hung", "survivor"), [("worker", "master"), ("master", "worker")])
def test_a_queue_that_only_one_has_after_a_crash_of_the_broker_makes_no_halves_of_what_both_hear(
    hung: str, survivor: str
) -> None:
    """The broker goes back to what it saved when one of two was dead and the other was working off
    what had waited for it."""
    world = started("master", "worker")
    client = LibraryClient(world, "library")
    client.stream(1200, every_s=0.011)
    world.run(1.0)
    world.devices[hung].hang()
    world.run(2.2)
    world.broker.save()
    world.run(2.8)
    world.devices[hung].go_on()
    world.run(3.0)
    world.broker.crash()
    crashed_at = world.now
    world.run(0.05)
    world.broker.start()
    world.run(20.0)
    assert not client.lost()
    firsts = {name: replies[0] for name, replies in client.answers.items()}
    by = [
        reply.devices
        for name, reply in firsts.items()
        if client.sent_at[name] >= crashed_at - 1.0
        and not isinstance(reply, ErrorReply)
        and reply.degraded
    ]
    # Whoever has the queue waits briefly, and answers what it was sent last by itself: a window of
    # eight or two. Without knowing whose the queue is, the other answered a hundred and more.
    assert by.count((hung,)) <= 2
    assert by.count((survivor,)) <= 2 * 8
