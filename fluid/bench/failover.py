"""Fail-over: how long no answer comes when a device is killed, by mode and by who it is."""

import time
from collections.abc import Iterator

from fluid.bench.figures import Reading, Series
from fluid.bench.measures import unanswered
from fluid.bench.observations import Observations
from fluid.bench.rig import MASTER, WORKER, Rig, open_rig
from fluid.bench.settings import Bench
from fluid.messages.control import Mode

MODES = (Mode.HA, Mode.HT)
# What is sent, of what HA can do: the survivor has to keep up with it.
LOAD = 0.4
_BEFORE_S, _AFTER_S = 2.0, 6.0


def measure(bench: Bench, repetition: int) -> Iterator[Reading | Series]:
    """Each of two devices is killed in each mode, under the same load."""
    del repetition
    share = bench.settings.device_cpu
    with open_rig(bench, bench.materials.families["fluid"], share=share) as rig:
        rig.assemble(Mode.HA, MASTER, WORKER)
        rate_per_s = max(1.0, LOAD * rig.saturate().images_per_s)
        for mode in MODES:
            for victim in (WORKER, MASTER):
                bench.say(f"{victim} killed in {mode}")
                rig.assemble(mode, MASTER, WORKER)
                seen, killed_at_s = _stream_with_a_kill(rig, victim, rate_per_s)
                case = (mode.value.upper(), f"{victim.capitalize()} killed")
                yield Reading(case, "gap_s", seen.gap_s(killed_at_s))
                if seen.slowest_s is not None:
                    yield Reading(case, "slowest_s", seen.slowest_s)
                yield from unanswered(case, seen)


def _stream_with_a_kill(rig: Rig, victim: str, rate_per_s: float) -> tuple[Observations, float]:
    """The stream, and when it happened."""
    killed_at_s: list[float] = []

    def kill(start_s: float) -> None:
        time.sleep(max(0.0, start_s + _BEFORE_S - time.monotonic()))
        killed_at_s.append(rig.kill(victim))

    seen = rig.stream(steps=((_BEFORE_S + _AFTER_S, rate_per_s),), meanwhile=kill)
    return seen, killed_at_s[0]
