"""The parts of the benchmark by their names, in the order in which they run."""

from collections.abc import Mapping

from fluid.bench import failover, load, memory, overhead, paper, scaling
from fluid.bench.settings import Part

PAPER, OVERHEAD = "paper", "overhead"

PARTS: Mapping[str, Part] = {
    PAPER: paper.measure,
    "scaling": scaling.measure,
    OVERHEAD: overhead.measure,
    "load": load.measure,
    "failover": failover.measure,
    "memory": memory.measure,
}
