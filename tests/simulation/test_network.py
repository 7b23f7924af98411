"""The simulated network: what it may lose, what it may not, and who finds out when."""

import pytest

from fluid.bus import (
    Closed,
    CloseReason,
    Delivered,
    LinkEvent,
    LinkOptions,
    Message,
    Opened,
    Subscription,
)
from fluid.bus.memory import MOSQUITTO_2_0_11
from tests.simulation.network import Network, SimLink
from tests.simulation.world import World

PRESENCE = Message("presence", b"offline", qos=1)


class Host:
    """A network with one link, and when it heard what."""

    def __init__(self, world: World, client_id: str, *, will: Message | None = None) -> None:
        self.world = world
        self.network = Network(world)
        self.heard: list[tuple[float, LinkEvent]] = []
        options = LinkOptions(client_id, will=will)
        self.link: SimLink = self.network.open(options, self.hear)
        world.run(0.1)

    def hear(self, event: LinkEvent) -> None:
        self.heard.append((self.world.now, event))

    def payloads(self) -> list[bytes]:
        return [each.message.payload for _, each in self.heard if isinstance(each, Delivered)]

    def closed(self) -> tuple[float, CloseReason] | None:
        """When and why the link ended."""
        ends = [(at, event.reason) for at, event in self.heard if isinstance(event, Closed)]
        return ends[0] if ends else None

    def subscribe(self, topic: str) -> None:
        self.link.subscribe([Subscription(topic)])
        self.world.run(0.1)


@pytest.fixture
def world() -> World:
    return World(quirks=MOSQUITTO_2_0_11, most_delay_s=0.02)


def test_keeps_the_order_of_what_is_sent_and_heard(world: World) -> None:
    one, other = Host(world, "one"), Host(world, "other")
    one.subscribe("a")
    for number in range(50):
        other.link.publish(Message("a", b"%d" % number, qos=1))
    world.run(0.2)
    assert one.payloads() == [b"%d" % number for number in range(50)]


def test_brief_partition_holds_back_and_loses_nothing(world: World) -> None:
    one, other = Host(world, "one"), Host(world, "other")
    one.subscribe("a")
    one.network.block(up=True, down=True)
    other.link.publish(Message("a", b"heard late", qos=1))
    one.link.publish(Message("a", b"said late", qos=1))
    world.run(3.0)
    assert one.payloads() == []
    one.network.heal()
    world.run(0.2)
    assert one.payloads() == [b"heard late", b"said late"]
    assert one.closed() is None


def test_client_finds_out_about_a_partition_by_its_pings(world: World) -> None:
    host = Host(world, "one")
    began = world.now
    host.network.block(up=False, down=True)
    world.run(20.0)
    closed = host.closed()
    assert closed is not None
    assert closed[0] - began == pytest.approx(10.0)
    assert closed[1] is CloseReason.LOST


@pytest.mark.parametrize("fault", ["freeze", "vanish"])
def test_broker_finds_out_about_silence_by_its_keepalive_scan(world: World, fault: str) -> None:
    watcher, host = Host(world, "watcher"), Host(world, "one", will=PRESENCE)
    watcher.subscribe("presence")
    began = world.now
    getattr(host.network, fault)()
    world.run(7.0)
    assert watcher.payloads() == []
    world.run(7.0)
    assert watcher.payloads() == [b"offline"]
    [heard_at] = [at for at, event in watcher.heard if isinstance(event, Delivered)]
    assert 7.5 <= heard_at - began <= 13.0


def test_end_of_a_process_is_known_at_once_after_all_that_it_said(world: World) -> None:
    watcher, host = Host(world, "watcher"), Host(world, "one", will=PRESENCE)
    watcher.subscribe("#")
    host.link.publish(Message("a", b"last words", qos=1))
    host.network.end_process()
    world.run(0.2)
    assert watcher.payloads() == [b"last words", b"offline"]
    assert host.closed() is None  # there is nobody left to hear it


def test_broken_link_loses_what_was_on_its_way(world: World) -> None:
    watcher, host = Host(world, "watcher"), Host(world, "one", will=PRESENCE)
    watcher.subscribe("#")
    host.link.publish(Message("a", b"lost", qos=1))
    host.network.break_links()
    world.run(0.2)
    assert watcher.payloads() == [b"offline"]
    closed = host.closed()
    assert closed is not None
    assert closed[1] is CloseReason.LOST


def test_lossy_network_drops_qos_0_alone(world: World) -> None:
    one, other = Host(world, "one"), Host(world, "other")
    one.subscribe("a")
    one.network.loss = 1.0
    for qos in (0, 1):
        other.link.publish(Message("a", b"%d" % qos, qos=qos))
    world.run(0.2)
    assert one.payloads() == [b"1"]


def test_what_is_sent_to_a_stalled_broker_waits(world: World) -> None:
    one, other = Host(world, "one"), Host(world, "other")
    one.subscribe("a")
    world.stall_broker(2.0)
    other.link.publish(Message("a", b"x", qos=1))
    world.run(1.9)
    assert one.payloads() == []
    world.run(0.2)
    assert one.payloads() == [b"x"]


def test_connection_opened_in_a_partition_waits_for_its_end_or_gives_up(world: World) -> None:
    network = Network(world)
    heard: list[LinkEvent] = []
    network.block(up=True, down=True)
    network.open(LinkOptions("patient"), heard.append)
    world.run(1.0)
    network.heal()
    world.run(0.2)
    assert heard == [Opened(session_present=False)]
    network.block(up=True, down=True)
    network.open(LinkOptions("unlucky"), heard.append)
    world.run(6.0)
    assert heard[-1] == Closed(CloseReason.UNREACHABLE)
