"""The errors of starting a broker. Those of *using* one are in `fluid.errors`.

BrokerLaunchError
├── BrokerBinaryMissing   Mosquitto is not installed
└── BrokerStartError      Mosquitto ended, or did not answer in time
    └── PortTaken         something else listens on the port
"""


class BrokerLaunchError(Exception):
    """The root of the errors that launching a broker raises."""


class BrokerBinaryMissing(BrokerLaunchError):
    """Mosquitto is not installed. The message says what to install."""


class BrokerStartError(BrokerLaunchError):
    """Mosquitto did not start. The message ends with the last lines of its log, if it has one."""


class PortTaken(BrokerStartError):
    """The port is in use by another process, or not open to this user."""
