"""Overhead: images a second of one agent against the bare interpreter under the same share.

The bare loop runs before and after the agent's streams of each repetition, and the agent is
compared with the mean: what else the machine does changes meanwhile.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from fluid.bench.bare import GO, BareRun
from fluid.bench.figures import Reading, Series
from fluid.bench.measures import throughput
from fluid.bench.rig import MASTER, Rig, open_rig
from fluid.bench.settings import Bench
from fluid.messages.control import Mode

BATCHES = (1, 8, 32)
BARE = "bare"
FLUID_MODEL, SLOW_MODEL = "fluid", "slow"
# A stream is measured for at least so many messages, or one more or less would count too much.
_FEWEST_MESSAGES = 10


def measure(bench: Bench, repetition: int) -> Iterator[Reading | Series]:
    """The Fluid model, and the slow one if there is one."""
    del repetition
    given = bench.materials
    yield from _model(bench, FLUID_MODEL, given.families["fluid"], given.images)
    if given.slow is not None and given.slow_images is not None:
        yield from _model(bench, SLOW_MODEL, given.slow, given.slow_images)


def _model(bench: Bench, name: str, bundle: Path, images: Path) -> Iterator[Reading]:
    share = bench.settings.device_cpu
    with open_rig(bench, bundle, images=images, share=share) as rig:
        bench.say(f"{name} model, bare interpreter")
        before = _bare_per_s(bench, rig, bundle)
        rig.assemble(Mode.HT, MASTER)
        readings: list[Reading] = []
        for batch in BATCHES:
            bench.say(f"{name} model, {batch} images a message")
            readings += _agent(bench, rig, name, batch=batch, bare_per_s=before)
        rig.stop(MASTER)
        bench.say(f"{name} model, bare interpreter")
        bare_per_s = (before + _bare_per_s(bench, rig, bundle)) / 2
    yield Reading((name, BARE), "bare_images_per_s", bare_per_s)
    yield Reading((name, BARE), "bare_invoke_ms", 1000 * (rig.share or 1.0) / bare_per_s)
    for reading in readings:
        yield reading
        if reading.quantity == "images_per_s":
            yield Reading(reading.case, "of_bare", reading.value / bare_per_s)


def _agent(
    bench: Bench, rig: Rig, name: str, *, batch: int, bare_per_s: float
) -> Iterator[Reading]:
    settings = bench.settings
    message_s = batch / bare_per_s
    seen = rig.saturate(
        batch=batch,
        warm_up_s=max(settings.warm_up_s, 2 * message_s),
        measure_s=max(settings.measure_s, _FEWEST_MESSAGES * message_s),
        patience_s=max(settings.patience_s, _FEWEST_MESSAGES * message_s),
    )
    yield from throughput((name, str(batch)), seen, share=rig.share)


def _bare_per_s(bench: Bench, rig: Rig, bundle: Path) -> float:
    """Invokes a second under the share that an agent has."""
    return run_bare(
        rig, bundle, seconds=bench.settings.measure_s, scratch=bench.scratch
    ).invokes_per_s


def run_bare(rig: Rig, bundle: Path, *, seconds: float, scratch: Path) -> BareRun:
    """Run `fluid.bench.bare` with the rig's images, held to the share of its devices."""
    output = scratch / "bare.json"
    arguments = [str(bundle), str(rig.images), str(seconds), str(output)]
    with rig.beside("bare", "fluid.bench.bare", arguments) as pid:
        os.kill(pid, GO)
    return BareRun.read(output)
