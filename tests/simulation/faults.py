"""What can go wrong, by name: each fault happens to a world, and mends itself later.

A fault that finds nobody to happen to does nothing and is not counted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fluid.bus import Message
from tests.simulation.bundle import EDITIONS
from tests.simulation.device import Device
from tests.simulation.invariants import TERMS_OUTLIVE_A_RESTART
from tests.simulation.world import World

Fault = Callable[[World], bool]


def _somebody(world: World, *, serving: bool = True) -> Device | None:
    """A device, at random: one that is at work, or one that is not up."""
    devices = [
        device for device in world.processes if (device.serves if serving else not device.is_up)
    ]
    return world.random.choice(devices) if devices else None


def _down(world: World, fault: str, span_s: float) -> bool:
    device = _somebody(world)
    if device is None:
        return False
    world.tell(f"{fault} {device.agent} for {span_s:.1f} s")
    getattr(device, fault)()
    world.after(span_s, partial(world.boot_if_down, device))
    return True


def crash(world: World) -> bool:
    """A process is killed, and started again after a while."""
    return _down(world, "crash", world.random.uniform(1.0, 6.0))


def quick_restart(world: World) -> bool:
    """A process is killed, and systemd starts it again within a second."""
    return _down(world, "crash", world.random.uniform(0.1, 1.0))


def power_cut(world: World) -> bool:
    """A device loses its power: no connection is closed."""
    return _down(world, "lose_power", world.random.uniform(1.0, 9.0))


def all_reboot(world: World) -> bool:
    """Everybody is killed and started again at once."""
    devices = [device for device in world.processes if device.serves]
    for device in devices:
        world.tell(f"crash {device.agent}")
        device.crash()
        world.after(2.0 + world.random.uniform(0.0, 0.05), partial(world.boot_if_down, device))
    return bool(devices)


def hang(world: World) -> bool:
    """A process stops (SIGSTOP) and goes on: briefly, long enough to be adopted, or long enough
    for its keepalive to run out."""
    device = _somebody(world)
    if device is None:
        return False
    span_s = world.random.choice(
        [world.random.uniform(0.2, 1.5), world.random.uniform(1.5, 5.0), 14.0]
    )
    world.tell(f"hang {device.agent} for {span_s:.1f} s")
    device.hang()
    world.after(span_s, partial(go_on, world, device))
    return True


def go_on(world: World, device: Device) -> None:
    if device.is_up and device.hangs:
        world.tell(f"go on {device.agent}")
        device.go_on()


def leave(world: World) -> bool:
    """A device leaves in good order, and comes back."""
    device = _somebody(world)
    if device is None:
        return False
    world.tell(f"leave {device.agent}")
    device.leave()
    world.after(world.random.uniform(3.5, 8.0), partial(world.boot_if_down, device))
    return True


def go_for_good(world: World) -> bool:
    """A device ends in one way or another, and does not come back: the last fault of a storm."""
    device = _somebody(world)
    if device is None or sum(other.serves for other in world.processes) < 2:
        return False
    fault = world.random.choice(["crash", "lose_power", "leave"])
    world.tell(f"{fault} {device.agent} for good")
    getattr(device, fault)()
    world.gone_for_good.add(device.agent)
    return True


def lose_network(world: World) -> bool:
    """All connections of a device break; it connects again at once."""
    device = _somebody(world)
    if device is None:
        return False
    world.tell(f"lose network {device.agent}")
    device.lose_network()
    return True


def partition(world: World) -> bool:
    """Nothing passes between a device and the broker, in one direction or both."""
    device = _somebody(world)
    if device is None or device.network.is_blocked:
        return False
    up, down = world.random.choice([(True, True), (True, True), (True, False), (False, True)])
    span_s = world.random.choice(
        [world.random.uniform(0.2, 1.5), world.random.uniform(1.5, 5.0), 14.0]
    )
    ways = "+".join(name for name, blocked in (("up", up), ("down", down)) if blocked)
    world.tell(f"partition {device.agent} {ways} for {span_s:.1f} s")
    device.network.block(up=up, down=down)
    world.after(span_s, partial(heal, world, device))
    return True


def heal(world: World, device: Device) -> None:
    if device.network.is_blocked:
        world.tell(f"heal {device.agent}")
        device.network.heal()


def slow_link(world: World) -> bool:
    """What a device sends and hears takes up to 0.4 s for a while."""
    device = _somebody(world)
    if device is None:
        return False
    span_s = world.random.uniform(1.0, 4.0)
    world.tell(f"slow link {device.agent} for {span_s:.1f} s")
    device.network.most_delay_s = 0.4
    world.after(span_s, partial(setattr, device.network, "most_delay_s", world.most_delay_s))
    return True


def drop_qos_0(world: World) -> bool:
    """Half of the QoS 0 messages to a device are dropped: heartbeats, its own echo among them."""
    device = _somebody(world)
    if device is None:
        return False
    span_s = world.random.uniform(1.0, 4.0)
    world.tell(f"drop QoS 0 to {device.agent} for {span_s:.1f} s")
    device.network.loss = 0.5
    world.after(span_s, partial(setattr, device.network, "loss", 0.0))
    return True


def clock_step(world: World) -> bool:
    """A wall clock is set, mostly back; it shows when the device starts again."""
    device = world.random.choice(world.processes)
    device.clock_offset_s = world.random.choice([-86_400.0, -3600.0, -5.0, 3600.0])
    world.tell(f"clock step {device.agent} {device.clock_offset_s:+.0f} s")
    return True


def impostor(world: World) -> bool:
    """Somebody starts another device under an id that is in use."""
    device = _somebody(world)
    if device is None or sum(other.agent == device.agent for other in world.processes) > 1:
        return False
    world.impostor(device.agent)
    return True


def mode_wish(world: World) -> bool:
    """An operator speaks."""
    wish(world, world.random.choice(["ha", "ht", "auto"]))
    return True


def wish(world: World, mode: str) -> None:
    world.tell(f"mode {mode}")
    world.client.publish_raw(Message("fluid/mode/set", mode.encode(), qos=1))


def switch_bundle(world: World) -> bool:
    """Another bundle, or an earlier one, is rolled out."""
    slots = world.bundle.manifest.slots
    pinned = any(device.build.pins for device in world.processes)
    others = [
        each
        for each in EDITIONS
        if each is not world.bundle and (not pinned or each.manifest.slots == slots)
    ]
    edition = world.random.choice(others)
    world.tell(f"roll out {edition.manifest.name}")
    world.switch_bundle(edition, within_s=world.random.choice([0.0, 0.5, 4.0]))
    return True


def broker_stall(world: World) -> bool:
    """The broker does nothing for a while."""
    span_s = world.random.uniform(0.3, 3.0)
    world.tell(f"broker stalls for {span_s:.1f} s")
    world.stall_broker(span_s)
    return True


def broker_restart(world: World) -> bool:
    """SIGTERM: wills are published, sessions and retained messages are kept."""
    stop = partial(world.broker.stop, keep_sessions=True)
    return _stop_broker(world, "broker restart", stop, forgets=not TERMS_OUTLIVE_A_RESTART)


def broker_crash(world: World) -> bool:
    """SIGKILL, with persistence: back to the last save, no will is published.

    Requests and answers that were confirmed since are lost: only for clients that send again.
    """
    return _stop_broker(world, "broker crash", world.broker.crash, forgets=True)


def broker_amnesia(world: World) -> bool:
    """SIGKILL, without persistence: all is forgotten. Only for clients that send again."""
    forget = partial(world.broker.stop, keep_sessions=False)
    return _stop_broker(world, "broker amnesia", forget, forgets=True)


def _stop_broker(
    world: World, name: str, stop: Callable[[], None], *, forgets: bool = False
) -> bool:
    if world.broker_stalls or not world.broker.runs:
        return False
    span_s = world.random.uniform(0.05, 2.0)
    world.tell(f"{name} for {span_s:.1f} s")
    world.tick_broker()
    stop()
    world.broker_memory += forgets
    world.after(span_s, world.broker.start)
    return True


def client_loses_network(world: World) -> bool:
    """All connections of a client break."""
    client = world.random.choice(world.clients)
    world.tell(f"lose network {client.name}")
    client.lose_network()
    return True


# How often each is drawn, next to the others.
FAULTS: dict[Fault, int] = {
    crash: 4,
    quick_restart: 4,
    hang: 5,
    lose_network: 4,
    partition: 5,
    power_cut: 3,
    leave: 3,
    mode_wish: 4,
    slow_link: 2,
    drop_qos_0: 2,
    broker_stall: 2,
    broker_restart: 2,
    all_reboot: 1,
    clock_step: 2,
    impostor: 2,
    client_loses_network: 2,
}


def lose_broker(world: World) -> bool:
    """The preferred broker is away for long enough to look for another."""
    if world.broker_stalls or not world.broker.runs:
        return False
    span_s = world.random.uniform(2.0, 9.0)
    crashes = world.random.random() < 0.5
    world.tell(f"broker {'crashes' if crashes else 'stops'} for {span_s:.1f} s")
    world.tick_broker()
    if crashes:
        world.broker.crash()
    else:
        world.broker.stop(keep_sessions=True)
    world.broker_memory += 1
    world.after(span_s, world.broker.start)
    return True


def cut_off_from_broker(world: World) -> bool:
    """One device or client cannot reach the preferred broker, and the others can."""
    device = _somebody(world)
    if device is None:
        return False
    name, network = world.random.choice(
        [
            *[(device.agent, device.network)] * 2,
            *((client.name, client.network) for client in world.clients),
        ]
    )
    span_s = world.random.uniform(1.0, 8.0)
    world.tell(f"cut off {name} from the broker for {span_s:.1f} s")
    network.cut_off_from(0)
    world.after(span_s, partial(network.reach, 0))
    return True


# Where bundles are switched: in a part of the stories.
ROLL_OUTS: dict[Fault, int] = {switch_bundle: 12}
# Where there is a fallback broker.
BROKER_FAULTS: dict[Fault, int] = {lose_broker: 10, cut_off_from_broker: 6}
# What these lose was confirmed to the client: no cluster can have it.
FORGETFUL_FAULTS: dict[Fault, int] = {broker_crash: 5, broker_amnesia: 3}
