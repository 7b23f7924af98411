"""The report of a comparison, as Markdown. Pure: every number in it is computed from the results.

It holds no date, host or path, so that equal results give an equal report.
"""

from collections.abc import Iterator

from trainer.comparison.bars import MAX_INT8_LOSS_POINTS
from trainer.comparison.contenders import DYNAMIC, JOINT, NESTED, STATIC
from trainer.comparison.results import Comparison
from trainer.comparison.tables import bar_grid, change_grid, cost_grid, float_grid, int8_grid


def render_report(comparison: Comparison, *, plot: str) -> str:
    """The whole report; plot: the name of the picture beside it."""
    return "\n\n".join(_blocks(comparison, plot)) + "\n"


def _blocks(comparison: Comparison, plot: str) -> Iterator[str]:
    yield "# Training families and algorithms compared"
    yield _introduction(comparison)
    yield "## What was promised"
    yield bar_grid(comparison).markdown()
    yield (
        f"One test image counts for {100 / comparison.test_images:.3f} points: with few of them, "
        f"{MAX_INT8_LOSS_POINTS:g} points are less than one image."
    )
    if comparison.refusals:
        yield "## What could not be measured"
        yield "\n".join(
            f"- {each.contender}, seed {each.seed}: {each.reason}" for each in comparison.refusals
        )
    yield "## Accuracy"
    yield (
        f"In percent of the test images: the mean over the seeds, and in brackets the least and "
        f"the greatest. A dash: the contender has no such sub-network, so {STATIC.name} cannot "
        f"answer without both devices, and {DYNAMIC.name} not without the lower one."
    )
    yield f"![int8 accuracy of each sub-network, by contender]({plot})"
    yield "In int8, as devices run it:"
    yield int8_grid(comparison).markdown()
    yield "In float, as it was trained:"
    yield float_grid(comparison).markdown()
    yield "int8 minus float, in points:"
    yield change_grid(comparison).markdown()
    yield "## Cost"
    yield cost_grid(comparison).markdown()
    yield "## How it was measured"
    yield "\n".join(f"- {each}" for each in _method(comparison))


def _introduction(comparison: Comparison) -> str:
    return (
        f"Written by `fluid compare` from the numbers in `training.json`: {STATIC.name} (a dense "
        f"network), {DYNAMIC.name} (incremental training: the upper half works only with the "
        f"lower), {NESTED.name} (the default of `fluid train`) and {JOINT.name} (all sub-networks "
        f"at once), each on two devices, on {comparison.dataset}."
    )


def _method(comparison: Comparison) -> Iterator[str]:
    seeds = ", ".join(str(seed) for seed in comparison.seeds)
    yield (
        f"Data: {comparison.dataset}, {comparison.train_images:,} images for training; accuracy "
        f"is on the {comparison.test_images:,} images of its test split, which no training sees."
    )
    yield _passes(comparison)
    yield (
        "Equal work: each network has as many channels as keep its busiest device, with all "
        "devices at full width, within the multiply-accumulates (MACs) that a device of the "
        "static network takes for an image. A device that reads nothing of the other takes fewer "
        "for a channel, so it has more of them."
    )
    yield (
        f"Seeds: {seeds}, for the first weights, the order of the images and their augmentation. "
        "Seed by seed, the contenders were trained in turn."
    )
    yield (
        "Time: the monotonic clock, from building the network to the end of the last pass, a "
        "teacher's passes and the validation after each pass included; not export, nor measuring "
        "on the test split. TensorFlow was warmed up before. The ratio is to the static network "
        "of the same seed. Other jobs may have run beside on the machine."
    )
    where = comparison.environment
    yield (
        f"int8: the exported files, run by {where.interpreter} with the code that serves them. "
        "No network was refused for what int8 costs it."
    )
    yield (
        f"Machine: {where.cpus} CPUs ({where.machine}), Python {where.python}, "
        f"TensorFlow {where.tensorflow}."
    )


def _passes(comparison: Comparison) -> str:
    """How the passes were made equal."""
    own = comparison.passes - comparison.lessons
    equal = (
        f"Equal passes: each contender passes over the training images {comparison.passes} times."
    )
    if not comparison.lessons:
        return f"{equal} Nobody has a teacher."
    return (
        f"{equal} The fluid ones learn from a static teacher, whose passes are counted: "
        f"{comparison.lessons} are its own, {own} are theirs. {STATIC.name} and {DYNAMIC.name} "
        f"have no teacher, and learn in all {comparison.passes}."
    )
