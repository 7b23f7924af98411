"""The errors of the benchmark.

FluidError
└── BenchError            the benchmark cannot go on
    ├── NotServing            a cluster did not get ready in time
    ├── BadResults            a file of results that cannot be read
    └── BadDevicePython       a Python that cannot run an agent
"""

from fluid.errors import FluidError


class BenchError(FluidError):
    """The root of what the benchmark raises."""


class NotServing(BenchError):
    """A cluster did not get into the state that a measurement needs."""


class BadResults(BenchError):
    """A file that `fluid bench --json` did not write, or another version of it did."""


class BadDevicePython(BenchError):
    """What `--device-python` names cannot run an agent."""
