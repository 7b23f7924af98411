"""The bus without a network: a deterministic MQTT 5 broker inside the process.

For tests and simulation. It is shown to behave like Mosquitto by the tests that run against
both, but it has neither limits on sizes and queues nor access control.
"""

from fluid.bus.memory.broker import MemoryBroker
from fluid.bus.memory.link import Schedule
from fluid.bus.memory.quirks import MOSQUITTO_2_0_11, STANDARD, Quirks
from fluid.bus.protocol import Link, LinkOptions, Sink

__all__ = ["MOSQUITTO_2_0_11", "STANDARD", "MemoryBroker", "MemoryBus", "Quirks", "Schedule"]


class MemoryBus:
    """A `Bus` on a broker inside the process, by default one of its own.

    Events reach a sink before the call that caused them returns, in the order in which they
    came about, and never inside another sink. With `schedule` each event is handed to that
    instead, which delivers it when it sees fit: one bus per simulated device gives each device a
    network of its own, also while two of them use the same client id.
    """

    def __init__(
        self, broker: MemoryBroker | None = None, *, schedule: Schedule | None = None
    ) -> None:
        self.broker = broker or MemoryBroker()
        self._schedule = schedule

    def open(self, options: LinkOptions, sink: Sink) -> Link:
        """Connect. `Opened` may reach the sink before this returns.

        Raises ValueError for a will that cannot be sent.
        """
        return self.broker.open(options, sink, self._schedule)
