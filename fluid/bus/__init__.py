"""The message bus: the protocol, and where its implementations are.

`fluid.bus.mqtt` speaks to a real broker and is the only module that imports paho.
`fluid.bus.memory` is a broker inside the process, for tests and simulation. `fluid.bus.rota`
chooses among several brokers.
"""

from fluid.bus.protocol import (
    Bus,
    Closed,
    CloseReason,
    Confirmed,
    Delivered,
    Link,
    LinkEvent,
    LinkOptions,
    Message,
    Opened,
    Sink,
    Subscription,
)
from fluid.bus.rota import BrokerRota, Pace

__all__ = [
    "BrokerRota",
    "Bus",
    "CloseReason",
    "Closed",
    "Confirmed",
    "Delivered",
    "Link",
    "LinkEvent",
    "LinkOptions",
    "Message",
    "Opened",
    "Pace",
    "Sink",
    "Subscription",
]
