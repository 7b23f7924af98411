"""A host's network to the broker: delays, cuts, partitions and silence, for each connection.

A connection is two pipes, as with TCP: what goes in comes out in order, later, or not at all if
the connection breaks. A QoS 1 message on a connection that lives is never dropped; QoS 0 is, where
a fault says so. Both sides find a dead connection as they do in life: the broker by its keepalive
scan, the client by a ping that is not answered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from fluid.bus import Closed, CloseReason, Delivered, LinkEvent, LinkOptions, Message, Subscription
from fluid.bus.memory.link import MemoryLink
from fluid.bus.protocol import Sink

if TYPE_CHECKING:
    from tests.simulation.world import World

_CLOSE_TIMEOUT_S = 2.0
# paho asks after one keepalive without news, and gives up after another.
_KEEPALIVES_TO_GIVE_UP = 2
LEAST_DELAY_S = 0.0001


class Network:
    """A `Bus` for one host, and what can go wrong with it.

    is_frozen: the process hangs. cut_off: the brokers that cannot be reached from here.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.most_delay_s = world.most_delay_s
        self.loss = 0.0
        self.cut_off: set[int] = set()
        self.is_frozen = False
        self.up_blocked = False
        self.down_blocked = False
        self._blocks = 0
        self._links: list[SimLink] = []
        world.networks.append(self)

    @property
    def is_blocked(self) -> bool:
        return self.up_blocked or self.down_blocked

    def to(self, broker: int) -> BrokerBus:
        """The `Bus` to one of several brokers."""
        return BrokerBus(self, broker)

    def open(self, options: LinkOptions, sink: Sink, *, broker: int = 0) -> SimLink:
        link = SimLink(self, options, sink, broker=broker)
        self._links.append(link)
        if self.is_blocked or broker in self.cut_off:
            self.world.after(options.connect_timeout_s, link.time_out)
        else:
            link.connect()
        return link

    # Faults.

    def block(self, *, up: bool, down: bool) -> None:
        """Nothing passes in a direction, until `heal`."""
        self.up_blocked, self.down_blocked = up, down
        self._blocks += 1
        for link in self._links:
            link.update()
            if link.is_connected:
                wait_s = _KEEPALIVES_TO_GIVE_UP * link.options.keepalive_s
                self.world.after(wait_s, partial(self._give_up, link, self._blocks))

    def heal(self) -> None:
        """What was held back arrives, where there is still a connection."""
        self.up_blocked = self.down_blocked = False
        self._blocks += 1
        for link in list(self._links):
            link.update()
            reachable = link.broker not in self.cut_off
            if reachable and not link.is_connected and not link.ended:
                link.connect()
        self.pump()

    def cut_off_from(self, broker: int) -> None:
        """One of the brokers cannot be reached from here until `reach`."""
        self.cut_off.add(broker)
        for link in list(self._links):
            if link.broker == broker:
                link.cut()

    def reach(self, broker: int) -> None:
        """It can be reached again."""
        self.cut_off.discard(broker)

    def freeze(self) -> None:
        """The process sends nothing any more; what arrives waits for it in its sockets."""
        self.is_frozen = True
        self._change_pulse()

    def thaw(self) -> None:
        self.is_frozen = False
        self._change_pulse()

    def break_links(self) -> None:
        """All connections break now, and both sides know it; what was on its way is lost."""
        for link in list(self._links):
            link.cut()

    def end_process(self) -> None:
        """The system closes the process's sockets: what it had sent still goes out."""
        for link in list(self._links):
            link.hang_up()
        self.is_frozen = False

    def vanish(self) -> None:
        """The power is gone: nobody closes anything."""
        for link in list(self._links):
            link.vanish()
        self._links.clear()
        self.is_frozen = False

    def pump(self) -> None:
        """Let pass what may pass now."""
        for link in list(self._links):
            link.pump()

    # For links.

    def forget(self, link: SimLink) -> None:
        if link in self._links:
            self._links.remove(link)

    def delay_s(self) -> float:
        return self.world.random.uniform(LEAST_DELAY_S, self.most_delay_s)

    def drops(self) -> bool:
        return self.loss > 0 and self.world.random.random() < self.loss

    def _change_pulse(self) -> None:
        for link in self._links:
            link.change_pulse()

    def _give_up(self, link: SimLink, block: int) -> None:
        if self.is_blocked and block == self._blocks:
            link.give_up()


class BrokerBus:
    """A `Bus` for one host to one broker."""

    def __init__(self, network: Network, broker: int) -> None:
        self._network = network
        self._broker = broker

    def open(self, options: LinkOptions, sink: Sink) -> SimLink:
        return self._network.open(options, sink, broker=self._broker)


class _Pipe:
    """One direction of a connection."""

    def __init__(self, network: Network, is_held: Callable[[], bool]) -> None:
        self._network = network
        self._is_held = is_held
        self._last = 0.0
        self._queue: deque[tuple[float, Callable[[], None]]] = deque()

    def send(self, arrive: Callable[[], None]) -> None:
        world = self._network.world
        self._last = max(self._last, world.now + self._network.delay_s())
        self._queue.append((self._last, arrive))
        world.at(self._last, self.pump)

    def pump(self) -> None:
        now = self._network.world.now
        while self._queue and self._queue[0][0] <= now and not self._is_held():
            self._queue.popleft()[1]()

    def cut(self) -> None:
        self._queue.clear()


class SimLink:
    """A `Link` over two pipes. `ended`: the client's side is over."""

    def __init__(self, network: Network, options: LinkOptions, sink: Sink, *, broker: int) -> None:
        self.options = options
        self.broker = broker
        self.ended = False
        self.is_connected = False
        self._network = network
        self._world = network.world
        self._sink = sink
        self._link: MemoryLink | None = None
        self._up = _Pipe(network, lambda: network.up_blocked or self._is_stalled())
        self._down = _Pipe(network, lambda: network.down_blocked)

    # `Link`.

    def publish(self, message: Message, *, token: int | None = None) -> None:
        self._call(lambda link: link.publish(message, token=token))

    def subscribe(self, subscriptions: list[Subscription], *, token: int | None = None) -> None:
        self._call(lambda link: link.subscribe(subscriptions, token=token))

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()

    def unsubscribe(self, topic_filters: list[str], *, token: int | None = None) -> None:
        self._call(lambda link: link.unsubscribe(topic_filters, token=token))

    def ack(self, ack_id: int) -> None:
        self._call(lambda link: link.ack(ack_id))

    def close(self, *, end_session: bool = False, send_will: bool = False) -> None:
        self._call(lambda link: link.close(end_session=end_session, send_will=send_will))
        self._world.after(_CLOSE_TIMEOUT_S, partial(self._end, CloseReason.REQUESTED))

    def _call(self, call: Callable[[MemoryLink], None]) -> None:
        if not self.ended:
            self._up.send(lambda: self._at_broker(call))

    def _at_broker(self, call: Callable[[MemoryLink], None]) -> None:
        if self._link is not None:
            self._world.tick_broker()
            call(self._link)

    def _is_stalled(self) -> bool:
        return self._world.broker_stalls and not self.broker

    # For the network.

    def connect(self) -> None:
        self.is_connected = True
        self._up.send(self._arrive)

    def time_out(self) -> None:
        """The connection could not be made."""
        if not self.is_connected:
            self._end(CloseReason.UNREACHABLE)

    def update(self) -> None:
        """Tell the broker whether it hears of this client, which it learns by hearing nothing."""
        if self._link is None:
            return
        if self._network.up_blocked or self._network.is_frozen:
            self._link.silence(hears=True)
        else:
            self._link.revive()

    def change_pulse(self) -> None:
        self._up.send(self.update)

    def give_up(self) -> None:
        """The client misses the answers to its pings."""
        if not self.ended:
            self._up.cut()
            self._up.send(self._kill)
            self._end(CloseReason.LOST)

    def cut(self) -> None:
        self._up.cut()
        self._down.cut()
        self._kill()
        self._network.forget(self)
        self._end(CloseReason.LOST)

    def hang_up(self) -> None:
        self.ended = True
        self._up.send(self._kill)

    def vanish(self) -> None:
        self.ended = True
        self._up.cut()
        if self._link is not None:
            self._link.silence(hears=True)

    def pump(self) -> None:
        self._up.pump()
        self._down.pump()

    def _arrive(self) -> None:
        if not self.ended:
            self._world.tick_broker()
            # What the client acknowledges by itself, it acknowledges when it has it.
            options = replace(self.options, manual_ack=True)
            self._link = self._world.brokers[self.broker].open(options, self._emitted, None)
            self.update()

    def _kill(self) -> None:
        if self._link is None:
            self._network.forget(self)
        else:
            self._world.tick_broker()
            self._link.kill()

    def _emitted(self, event: LinkEvent) -> None:
        self._down.send(partial(self._hear, event))

    def _hear(self, event: LinkEvent) -> None:
        if isinstance(event, Closed):
            self._network.forget(self)
        if self.ended:
            return
        match event:
            case Closed():
                self._end(event.reason, event.detail)
            case Delivered(message, ack_id):
                if not message.qos and self._network.drops():
                    return
                self._sink(event)
                if ack_id and not self.options.manual_ack:
                    self.ack(ack_id)
            case _:
                self._sink(event)

    def _end(self, reason: CloseReason, detail: str = "") -> None:
        if self.ended:
            return
        self.ended = True
        if not self.is_connected:
            self._network.forget(self)
        self._sink(Closed(reason, detail))
