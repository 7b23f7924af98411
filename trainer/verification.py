"""Whether what devices answer together is, bit for bit, what one device answers alone.

Plays the devices on this machine: each slot's partial logits come from a process of its own, which
shares nothing with the others but the bundle's files, and are put together by the code that agents
use. No TensorFlow here, and no cluster: how shares travel is for the tests of the agents.
"""

import multiprocessing
import signal
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fluid.bundle import Manifest, SubNetwork, is_whole, load_bundle
from fluid.interpreter import find_interpreter
from fluid.submodel import Logits, SubModel, combine
from trainer.data import Images
from trainer.errors import TrainerError
from trainer.evaluation import load_stages
from trainer.native_output import held_back_stderr

# By stage: what its device hands to the one that answers.
Partials = dict[str, Logits]


class VerificationError(TrainerError):
    """A bundle that offers nothing to verify, or a process that ended before it had answered."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many of so many images have logits of other bits, and the first of them, from 0."""

    images: int
    different: int
    first: int | None

    @property
    def equal(self) -> bool:
        """Whether every bit of every image is the same."""
        return self.different == 0


@dataclass(frozen=True, slots=True)
class Verification:
    """processes: how many computed partial logits. interpreter: the one that all of them ran.
    comparisons: by sub-network."""

    processes: int
    interpreter: str
    comparisons: Mapping[str, Comparison]

    @property
    def equal(self) -> bool:
        """Whether every sub-network answered alike."""
        return all(each.equal for each in self.comparisons.values())


def verify_bundle(folder: Path, images: Images) -> Verification:
    """Compare each sub-network of several slots on a process for each slot with it on one process.

    folder: the bundle's. images: uint8 (n, height, width, channels), as the bundle takes them.
    Sub-networks that are cut at feature maps are left out: their devices hand each other more than
    logits. Raises `BundleError`, `InterpreterMissing`, and `VerificationError` if no sub-network
    is left or a process ends.
    """
    bundle = load_bundle(folder)
    package = find_interpreter()
    sub_networks = distributed_sub_networks(bundle.manifest)
    if not sub_networks:
        raise VerificationError(
            f"{folder}: nothing to verify: no sub-network of family {bundle.manifest.family} runs "
            "on several devices that each go from the image to logits"
        )
    wanted = _stages_by_slot(bundle.manifest, sub_networks)
    with ExitStack() as stack:
        futures = {
            slot: stack.enter_context(_device()).submit(slot_partials, folder, stages, images)
            for slot, stages in wanted.items()
        }
        # Meanwhile, here.
        names = [each.name for each in sub_networks]
        one_device = load_stages(bundle, names, package=package).logits(images)
        partials: Partials = {}
        for slot, future in futures.items():
            partials |= answer_of(slot, future)
    comparisons = compare_answers(sub_networks, partials, one_device)
    return Verification(len(wanted), package.description, comparisons)


def compare_answers(
    sub_networks: Sequence[SubNetwork], partials: Partials, one_device: Mapping[str, Logits]
) -> dict[str, Comparison]:
    """Compare the sums of partial logits with what one device answers, by sub-network. Pure.

    sub_networks: with their stages in the order in which they are added up. partials: by stage,
    one_device: by sub-network, float32 (n, classes).
    """
    return {
        each.name: compare_bits(
            one_device[each.name], combine([partials[name] for name in each.stages])
        )
        for each in sub_networks
    }


def distributed_sub_networks(manifest: Manifest) -> tuple[SubNetwork, ...]:
    """Those of several slots whose stages all go from the image to logits, their stages in the
    order of the manifest's slots: the order in which agents add up."""
    found = []
    for each in manifest.subnetworks:
        stages = [manifest.stage(name) for name in each.stages]
        if len({stage.slot for stage in stages}) > 1 and all(map(is_whole, stages)):
            stages.sort(key=lambda stage: manifest.slots.index(stage.slot))
            found.append(SubNetwork(each.name, tuple(stage.name for stage in stages)))
    return tuple(found)


def slot_partials(folder: Path, stages: Sequence[str], images: Images) -> Partials:
    """What a device computes that knows the bundle's folder and images, and nothing else.

    Returns float32 partial logits (n, classes) of each of these stages. Raises `BundleError`.
    """
    bundle = load_bundle(folder)
    package = find_interpreter()
    with held_back_stderr():
        models = {name: SubModel(bundle, name, package=package) for name in stages}
    return {name: model.run(images) for name, model in models.items()}


def compare_bits(one: Logits, other: Logits) -> Comparison:
    """Compare two sets of float32 logits (n, classes) bit by bit, so that -0.0 is not 0.0.

    Raises `ValueError` if they are not of one shape and of float32.
    """
    if one.shape != other.shape or {one.dtype, other.dtype} != {np.dtype(np.float32)}:
        raise ValueError(
            f"{one.dtype} {one.shape} and {other.dtype} {other.shape} cannot be compared"
        )
    differs = (_bits(one) != _bits(other)).any(axis=1)
    where = np.flatnonzero(differs)
    return Comparison(len(one), len(where), int(where[0]) if len(where) else None)


def _bits(logits: Logits) -> np.ndarray[tuple[int, ...], np.dtype[np.uint32]]:
    return np.ascontiguousarray(logits).view(np.uint32)


def _stages_by_slot(
    manifest: Manifest, sub_networks: Sequence[SubNetwork]
) -> dict[str, tuple[str, ...]]:
    """What each slot's device has to run, each stage once."""
    wanted = {name for each in sub_networks for name in each.stages}
    found = {
        slot: tuple(
            stage.name for stage in manifest.stages if stage.slot == slot and stage.name in wanted
        )
        for slot in manifest.slots
    }
    return {slot: stages for slot, stages in found.items() if stages}


def _device() -> ProcessPoolExecutor:
    """One new process. It is spawned, not forked, so that it inherits no interpreter of ours."""
    return ProcessPoolExecutor(
        max_workers=1,
        mp_context=multiprocessing.get_context("spawn"),
        # Ctrl-C reaches it as well: it ends, and the traceback is ours alone to show.
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_DFL),
    )


def answer_of(slot: str, future: "Future[Partials]") -> Partials:
    """What the process of a slot computed; raises `VerificationError` if it ended before."""
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise VerificationError(
            f"the process of slot {slot} ended before it had answered: is there memory enough?"
        ) from error
