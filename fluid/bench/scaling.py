"""Scaling: images a second with 1, 2, 4 and 8 agents in each mode, against linear.

Eight devices and a broker share one machine, so each gets a smaller share of a core here if all of
them would not fit. What agents, broker and generator use is measured: where the devices use all of
their share, it is they that are the limit.
"""

import os
from collections.abc import Iterator

from fluid.bench.figures import Reading, Series
from fluid.bench.measures import throughput
from fluid.bench.rig import Rig, names, open_rig
from fluid.bench.settings import Bench
from fluid.messages.control import Mode

COUNTS = (1, 2, 4, 8)
MODES = (Mode.HT, Mode.HA)
# Of the machine, for the devices; the rest is for the broker, the generator and everybody else.
_MOST_FOR_DEVICES = 0.45


def device_share(device_cpu: float, cores: int) -> float:
    """Of a core, for each of the most devices."""
    return min(device_cpu, _MOST_FOR_DEVICES * cores / max(COUNTS))


def measure(bench: Bench, repetition: int) -> Iterator[Reading | Series]:
    """More and more devices, and in the next repetition fewer and fewer."""
    share = device_share(bench.settings.device_cpu, os.cpu_count() or 1)
    rates: dict[tuple[Mode, int], float] = {}
    with open_rig(bench, bench.materials.families["fluid"], share=share) as rig:
        for count in COUNTS if repetition % 2 == 0 else reversed(COUNTS):
            for mode in MODES:
                bench.say(f"{count} agents, {mode}")
                for reading in _cell(rig, mode, count):
                    if reading.quantity == "images_per_s":
                        rates[mode, count] = reading.value
                    yield reading
    for (mode, count), efficiency in sorted(efficiencies(rates).items()):
        yield Reading(_case(mode, count), "efficiency", efficiency)


def efficiencies(rates: dict[tuple[Mode, int], float]) -> dict[tuple[Mode, int], float]:
    """Against as many times the rate of the fewest devices that can do a mode's work: one in HT,
    and in HA, where each image needs both halves, two."""
    fewest = {Mode.HT: 1, Mode.HA: 2}
    return {
        (mode, count): rate * fewest[mode] / (count * rates[mode, fewest[mode]])
        for (mode, count), rate in rates.items()
        if count > fewest[mode] and rates.get((mode, fewest[mode]))
    }


def _cell(rig: Rig, mode: Mode, count: int) -> Iterator[Reading]:
    rig.assemble(mode, *names(count))
    yield from throughput(_case(mode, count), rig.saturate(), share=rig.share)


def _case(mode: Mode, count: int) -> tuple[str, str]:
    return (mode.value.upper(), str(count))
