"""The errors of the demonstration.

FluidError
└── DemoError             the demonstration cannot go on
    └── NotServing            the cluster did not get ready in time
"""

from fluid.errors import FluidError


class DemoError(FluidError):
    """The root of what the demonstration raises."""


class NotServing(DemoError):
    """The cluster did not get into the state that a phase needs."""
