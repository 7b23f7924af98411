"""Seeded storms: faults at random moments under load, then every invariant.

A seed is a story: `scripts/test tests/simulation -k "two and 17]"` tells that of seed 17 again,
and what happened in it is part of the failure's report. `make sim SEEDS=1000` runs more of them.
"""

import os

import pytest

from fluid.bus import Message
from tests.simulation.invariants import all_hold
from tests.simulation.world import World

SEEDS = range(int(os.environ.get("FLUID_SIM_SEEDS", "50")))
STORM_S = 20.0
CALM_S = 25.0


def storm(seed: int, agents: tuple[str, ...]) -> World:
    """Load and faults for `STORM_S`, then everybody is helped up and left in peace."""
    world = World(seed, most_delay_s=0.02)
    world.client.connect()
    world.boot(*agents)
    world.client.stream(400, every_s=STORM_S / 400)
    for _ in range(12):
        world.after(world.random.uniform(0.5, STORM_S), lambda: one_fault(world))
    world.run(STORM_S)
    for device in world.devices.values():
        if device.hangs:
            device.go_on()
        elif not device.is_up:
            world.boot(device.agent)
    world.run(CALM_S)
    return world


def one_fault(world: World) -> None:
    """Something happens to somebody."""
    device = world.devices[world.random.choice(sorted(world.devices))]
    if not device.is_up:
        world.boot(device.agent)
        return
    if device.hangs:
        device.go_on()
        return
    fault = world.random.choice(["crash", "hang", "lose_network", "leave", "mode"])
    if fault == "mode":
        mode = world.random.choice([b"ha", b"ht", b"auto"])
        world.tell(f"mode {mode.decode()}")
        world.client.publish_raw(Message("fluid/mode/set", mode, qos=1))
    else:
        getattr(device, fault)()


def check(seed: int, agents: tuple[str, ...]) -> None:
    world = storm(seed, agents)
    try:
        all_hold(world)
    except AssertionError as violation:
        violation.add_note("\n".join(world.transcript[-200:]))
        raise


@pytest.mark.parametrize("seed", SEEDS)
def test_two_devices_survive_a_storm(seed: int) -> None:
    check(seed, ("master", "worker"))


@pytest.mark.parametrize("seed", SEEDS)
def test_four_devices_survive_a_storm(seed: int) -> None:
    check(seed, ("master", "w1", "w2", "w3"))
