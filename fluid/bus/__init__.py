"""The message bus: the protocol, and where its implementations are.

`fluid.bus.mqtt` speaks to a real broker and is the only module that imports paho.
`fluid.bus.memory` is a broker inside the process, for tests and simulation.
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

__all__ = [
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
    "Sink",
    "Subscription",
]
