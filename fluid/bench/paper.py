"""The paper's figure: each family with both devices, only the Master and only the Worker.

What the paper calls Dynamic can do two things while both devices are there: the whole network,
cut over both, or its lower half on the Master. Both are measured, and Fluid is held against the
faster.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from fluid.bench.figures import RATIO, Reading, Series
from fluid.bench.measures import latency, throughput, traffic
from fluid.bench.rig import MASTER, WORKER, Rig, open_rig
from fluid.bench.settings import Bench
from fluid.messages.control import Mode

BOTH = "both online"
SITUATIONS: Mapping[str, tuple[str, ...]] = {
    BOTH: (MASTER, WORKER),
    "only Master": (MASTER,),
    "only Worker": (WORKER,),
}
# The mean rate at which latency is measured, of what was just seen to be the most.
LATENCY_LOAD = 0.5
_ACCURACY_BATCH = 50


@dataclass(frozen=True, slots=True)
class Contender:
    """A row of the table: a family's bundle, served in a mode."""

    name: str
    family: str
    mode: Mode


STATIC = Contender("Static", "static", Mode.HA)
DYNAMIC = Contender("Dynamic", "dynamic", Mode.HA)
DYNAMIC_ALONE = Contender("Dynamic, lower half", "dynamic", Mode.HT)
FLUID_HA = Contender("Fluid HA", "fluid", Mode.HA)
FLUID_HT = Contender("Fluid HT", "fluid", Mode.HT)
CONTENDERS = (STATIC, DYNAMIC, DYNAMIC_ALONE, FLUID_HA, FLUID_HT)

# Above, and below: of several, the fastest.
RATIOS: Mapping[str, tuple[Contender, tuple[Contender, ...]]] = {
    "ht_over_dynamic": (FLUID_HT, (DYNAMIC, DYNAMIC_ALONE)),
    "ht_over_static": (FLUID_HT, (STATIC,)),
    "ha_over_static": (FLUID_HA, (STATIC,)),
}


def measure(bench: Bench, repetition: int) -> Iterator[Reading | Series]:
    """Every contender in every situation; in the next repetition, the other way round.

    All clusters are up together, so that what is compared is measured within a minute. One that
    is not asked anything costs its heartbeats.
    """
    rates: dict[str, float] = {}
    with ExitStack() as stack:
        rigs = {
            family: stack.enter_context(open_rig(bench, folder, share=bench.settings.device_cpu))
            for family, folder in bench.materials.families.items()
        }
        contenders = [each for each in CONTENDERS if each.family in rigs]
        for situation, agents in SITUATIONS.items():
            for contender in contenders if repetition % 2 == 0 else reversed(contenders):
                bench.say(f"{contender.name}, {situation}")
                rig, case = rigs[contender.family], (contender.name, situation)
                rig.assemble(contender.mode, *agents)
                for reading in _speed(rig, case):
                    if situation == BOTH and reading.quantity == "images_per_s":
                        rates[contender.name] = reading.value
                    yield reading
                if repetition == 0:
                    yield from _accuracy(bench, rig, case)
    for name, value in ratios(rates).items():
        yield Reading((name,), RATIO, value)


def ratios(rates: Mapping[str, float]) -> dict[str, float]:
    """Of images a second with both devices, by contender, in one repetition; those that can be
    told."""
    told = {}
    for name, (above, below) in RATIOS.items():
        best = max((rates.get(each.name, 0.0) for each in below), default=0.0)
        if above.name in rates and best:
            told[name] = rates[above.name] / best
    return told


def _speed(rig: Rig, case: tuple[str, str]) -> Iterator[Reading]:
    most = rig.saturate()
    yield from throughput(case, most, share=rig.share)
    if most.accuracy is not None:
        yield from traffic(case, most)
        yield from latency(case, rig.at_rate(LATENCY_LOAD * most.images_per_s))


def _accuracy(bench: Bench, rig: Rig, case: tuple[str, str]) -> Iterator[Reading]:
    """Of all test images, in messages of many: it is the same in each repetition."""
    batch = min(_ACCURACY_BATCH, bench.materials.image_count)
    seen = rig.saturate(batch=batch, count=bench.materials.image_count // batch)
    if seen.accuracy is not None:
        yield Reading(case, "accuracy", seen.accuracy)
