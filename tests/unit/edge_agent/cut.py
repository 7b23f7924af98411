"""Bundles whose stages read each other, and what simulated devices compute of them.

As the trainer cuts them: a static one has two layers of two slots; in a dynamic one the upper slot
reads the lower one's maps, and the lower one has a stage of its own.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from edge_agent.core.effects import Compute
from edge_agent.core.events import Computed, FeatureMap
from edge_agent.core.graph import Graph
from edge_agent.core.team import Team
from fluid.bundle import IMAGE, LOGITS, InputSpec, Manifest, Stage, SubNetwork
from fluid.submodel import Logits, combine
from tests.unit.edge_agent.making import DIGEST

CLASSES = ("ant", "bee", "cat")


def stage(
    name: str, inputs: tuple[str, ...] = (IMAGE,), output: str = LOGITS, *, width: float = 1.0
) -> Stage:
    slot = "lower" if "lower" in name else "upper"
    return Stage(name, f"{name}.tflite", slot, width, "0" * 64, 1, inputs, output)


def _manifest(family: str, stages: tuple[Stage, ...], *networks: SubNetwork) -> Manifest:
    return Manifest(
        name=family,
        family=family,
        algorithm="none",
        input=InputSpec((2, 2, 1)),
        classes=CLASSES,
        slots=("lower", "upper"),
        widths=(1.0,),
        stages=stages,
        subnetworks=networks,
    )


BOTH = ("conv.lower", "conv.upper")
WHOLE = ("conv.lower", "conv.upper", "logits.lower", "logits.upper")
STATIC = _manifest(
    "static",
    (
        stage("conv.lower", output="conv.lower"),
        stage("conv.upper", output="conv.upper"),
        stage("logits.lower", BOTH),
        stage("logits.upper", BOTH),
    ),
    SubNetwork("100", WHOLE),
)
DYNAMIC = _manifest(
    "dynamic",
    (
        stage("lower25", width=0.5),
        stage("lower50"),
        stage("conv.lower", output="conv.lower"),
        stage("conv.upper", output="conv.upper"),
        stage("logits.lower", ("conv.lower",)),
        stage("logits.upper", BOTH),
    ),
    SubNetwork("lower25", ("lower25",)),
    SubNetwork("lower50", ("lower50",)),
    SubNetwork("100", WHOLE),
)


def cut_team(
    me: str,
    manifest: Manifest,
    holders: Mapping[str, Iterable[str]],
    *,
    members: Iterable[str] | None = None,
) -> Team:
    """members: who hears requests to everyone; by default all holders. All holders are there."""
    by_slot = {slot: tuple(sorted(agents)) for slot, agents in holders.items()}
    there = {me, *(agent for agents in by_slot.values() for agent in agents)}
    hearing = there if members is None else {me, *members}
    present = tuple(sorted(there | hearing))
    graph = Graph.of(manifest)
    return Team(me, manifest, tuple(sorted(hearing)), by_slot, {}, graph, present)


def run(manifest: Manifest, job: Compute, *, images: int = 1) -> Computed:
    """What the executor would say: each value depends on the stage and on all that it reads."""
    maps: dict[str, FeatureMap] = dict(job.maps)
    outputs: dict[str, Logits] = {}
    yielded: dict[str, FeatureMap] = {}
    reads_image = not job.stages
    for name in job.stages:
        each = manifest.stage(name)
        reads_image = reads_image or IMAGE in each.inputs
        seed = sum(ord(letter) for letter in name)
        seed += sum((i + 2) * int(maps[n].sum()) for i, n in enumerate(each.inputs) if n != IMAGE)
        drawn = np.random.default_rng(seed % 2**32)
        if each.output == LOGITS:
            outputs[name] = drawn.normal(size=(images, len(CLASSES))).astype(np.float32)
        else:
            maps[each.output] = drawn.integers(-99, 99, (images, 4)).astype(np.int8)
            yielded[name] = maps[each.output]
    is_batch = (images > 1) if reads_image else None
    return Computed(job.request.key, outputs, 2.0, is_batch, DIGEST, yielded)


def whole_logits(manifest: Manifest, job: Compute, *names: str) -> Logits:
    """The sum of these stages' logits, as one device computes them that runs everything."""
    everything = tuple(each.name for each in manifest.stages)
    computed = run(manifest, Compute(job.request, everything))
    return combine([computed.outputs[name] for name in names])
