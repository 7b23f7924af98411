"""Load step: from a fifth of what HA can do to half as much again, and back, in `auto`.

What the cluster decides is heard where it says so, on `fluid/cluster`; what requesters get is in
the answers.
"""

from collections.abc import Iterator, Sequence

from fluid.bench.errors import NotServing
from fluid.bench.figures import Reading, Series
from fluid.bench.measures import unanswered
from fluid.bench.mode_log import ModeLog, Switch
from fluid.bench.observations import Observations
from fluid.bench.rig import MASTER, WORKER, Rig, open_rig
from fluid.bench.settings import Bench
from fluid.messages.control import Mode

LOW, HIGH = 0.2, 1.5  # of what HA can do
CASE = ("load step",)
# Long enough after the overload that the cluster may return, and show that it stays.
_LOW_S, _HIGH_S, _AFTER_S = 4.0, 8.0, 16.0
_BIN_S = 0.5


def measure(bench: Bench, repetition: int) -> Iterator[Reading | Series]:
    """One step up and down."""
    del repetition
    share = bench.settings.device_cpu
    with open_rig(bench, bench.materials.families["fluid"], share=share) as rig:
        bench.say("capacity in ha")
        rig.assemble(Mode.HA, MASTER, WORKER)
        capacity_per_s = rig.saturate().images_per_s
        if not capacity_per_s:
            raise NotServing("nothing was answered in ha, so there is no load to step to")
        yield Reading(("HA, saturated",), "images_per_s", capacity_per_s)
        rig.assemble(Mode.AUTO, MASTER, WORKER)
        steps = [
            (duration_s, share_of_capacity * capacity_per_s)
            for duration_s, share_of_capacity in ((_LOW_S, LOW), (_HIGH_S, HIGH), (_AFTER_S, LOW))
        ]
        bench.say("load step")
        seen, switches = _step(rig, steps)
    yield from unanswered(CASE, seen)
    if seen.accuracy is not None:
        yield Reading(CASE, "accuracy", seen.accuracy)
    yield from reactions(switches, up_at_s=_LOW_S, down_at_s=_LOW_S + _HIGH_S)
    yield _series(seen, steps)


def reactions(switches: Sequence[Switch], *, up_at_s: float, down_at_s: float) -> Iterator[Reading]:
    """How soon after each step the mode followed, and how often it changed in all."""
    for mode, since_s in ((Mode.HT, up_at_s), (Mode.HA, down_at_s)):
        times = [each.at_s for each in switches if each.mode is mode and each.at_s >= since_s]
        if times:
            yield Reading(CASE, f"to_{mode}_s", min(times) - since_s)
        count = sum(each.mode is mode for each in switches)
        yield Reading(CASE, f"switches_to_{mode}", count)


def _step(rig: Rig, steps: list[tuple[float, float]]) -> tuple[Observations, list[Switch]]:
    starts_s: list[float] = []
    with ModeLog(rig.bus, rig.topics.cluster) as log:
        seen = rig.stream(steps=tuple(steps), meanwhile=starts_s.append)
        return seen, log.switches(since_s=starts_s[0])


def _series(seen: Observations, steps: Sequence[tuple[float, float]]) -> Series:
    """What became of what was asked for in each half of a second."""
    length_s = sum(duration_s for duration_s, _ in steps)
    rows = [_row(seen, at_s, window) for at_s, window in seen.windows(_BIN_S) if at_s < length_s]
    return Series(CASE, {name: [row[name] for row in rows] for name in rows[0]})


def _row(seen: Observations, at_s: float, window: Observations) -> dict[str, float | None]:
    """window: the requests that were due there."""
    modes = [mode for mode in window.mode if mode]
    return {
        "at_s": at_s,
        "offered_per_s": len(window.sent_s) / _BIN_S,
        "answered_per_s": seen.answered_between(at_s, at_s + _BIN_S) / _BIN_S,
        "ht_share": modes.count(Mode.HT.value) / len(modes) if modes else None,
        "accuracy": window.accuracy,
        "p50_ms": window.latency_ms(50),
        "p99_ms": window.latency_ms(99),
    }
