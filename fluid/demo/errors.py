"""The errors of the demonstration.

FluidError
└── DemoError             the demonstration cannot go on
    ├── ProcessEnded          one of its processes ended unasked; carries its log
    └── NotServing            the cluster did not get ready in time
"""

from fluid.errors import FluidError


class DemoError(FluidError):
    """The root of what the demonstration raises."""


class ProcessEnded(DemoError):
    """A process ended unasked. The message ends with the last lines of its log."""


class NotServing(DemoError):
    """The cluster did not get into the state that a phase needs."""
