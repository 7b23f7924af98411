"""The client library: images in, classifications out, whatever happens to the devices.

`client` is what users call, and `wishes` what they can ask for; `window` decides when a request is
sent again (pure); `line` is the link, at one of several brokers; `exchange` is the thread around
both; `cluster` asks the cluster about itself, sets its mode and has it forget a device.
"""

from fluid.client.answer import Answer
from fluid.client.client import DEFAULT_BROKER, FluidClient
from fluid.client.cluster import ClusterSnapshot, cluster_snapshot, forget_agent, set_mode
from fluid.client.window import Backoff, ResendPolicy, Statistics
from fluid.client.wishes import MAX_TIMEOUT_S

__all__ = [
    "DEFAULT_BROKER",
    "MAX_TIMEOUT_S",
    "Answer",
    "Backoff",
    "ClusterSnapshot",
    "FluidClient",
    "ResendPolicy",
    "Statistics",
    "cluster_snapshot",
    "forget_agent",
    "set_mode",
]
