"""The MQTT broker: its configuration, and a launcher for a private one on this machine.

Imports neither the trainer nor the agents: a broker serves either of them unseen.
"""

from broker.errors import BrokerBinaryMissing, BrokerLaunchError, BrokerStartError
from broker.launcher import LocalBroker

__all__ = ["BrokerBinaryMissing", "BrokerLaunchError", "BrokerStartError", "LocalBroker"]
