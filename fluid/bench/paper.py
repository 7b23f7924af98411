"""The paper's figure: each family with both devices, only the Master and only the Worker.

What the paper calls Dynamic can do two things while both devices are there: the whole network,
cut over both, or its lower half on the Master. Both are measured, and Fluid is held against the
faster.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fluid.bench.figures import RATIO, Reading, Series
from fluid.bench.measures import failure, latency, throughput, traffic
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
    """Every contender in every situation, the families in turn, and then the other way round."""
    families = list(dict.fromkeys(each.family for each in CONTENDERS))
    rates: dict[str, float] = {}
    for family in families if repetition % 2 == 0 else reversed(families):
        if family not in bench.materials.families:
            continue
        contenders = [each for each in CONTENDERS if each.family == family]
        with open_rig(
            bench, bench.materials.families[family], share=bench.settings.device_cpu
        ) as rig:
            for situation, agents in SITUATIONS.items():
                for contender in contenders:
                    bench.say(f"{contender.name}, {situation}")
                    rig.assemble(contender.mode, *agents)
                    for reading in _cell(bench, rig, (contender.name, situation), repetition):
                        if situation == BOTH and reading.quantity == "images_per_s":
                            rates[contender.name] = reading.value
                        yield reading
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


def _cell(bench: Bench, rig: Rig, case: tuple[str, str], repetition: int) -> Iterator[Reading]:
    """Accuracy once, as it is the same each time; the rest in each repetition."""
    if repetition == 0:
        count = bench.materials.image_count // _ACCURACY_BATCH
        whole = rig.saturate(batch=_ACCURACY_BATCH, count=count)
        if whole.accuracy is None:
            yield Reading(case, "images_per_s", 0.0, note=failure(whole))
            return
        yield Reading(case, "accuracy", whole.accuracy)
    most = rig.saturate()
    yield from throughput(case, most, share=rig.share)
    if most.accuracy is None:
        return
    yield from traffic(case, most)
    yield from latency(case, rig.at_rate(LATENCY_LOAD * most.images_per_s))
