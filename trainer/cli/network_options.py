"""What is trained, and how: architecture, family, algorithm, topology and settings."""

from dataclasses import dataclass, replace

import click

from trainer.architecture import BUILT_IN, CNN, STATIC_CHANNELS, check_architecture
from trainer.cli.option_groups import option_group
from trainer.topology import Family, Topology
from trainer.training.curriculum import curriculum
from trainer.training.settings import (
    Algorithm,
    TrainingSettings,
    algorithm_for,
    default_settings,
    described_defaults,
)

_POSITIVE = click.IntRange(min=1)


@dataclass(frozen=True, slots=True)
class NetworkOptions:
    """A network as it was asked for."""

    family: str
    algorithm: str | None
    slots: int
    widths: str | None
    architecture: str | None
    backbone: str | None
    channels: int

    @property
    def chosen_architecture(self) -> str:
        """As `trainer.architecture` names it."""
        return self.backbone or self.architecture or CNN

    def chosen(self) -> tuple[Topology, Algorithm]:
        """Raises click's error for what does not go together."""
        if self.backbone and self.architecture:
            raise click.UsageError("--backbone is an architecture of its own: no --architecture")
        family = Family(self.family)
        try:
            wanted = Algorithm(self.algorithm) if self.algorithm else None
            widths = tuple(map(float, self.widths.split(","))) if self.widths else None
            topology = Topology.of(self.slots, widths=widths, family=family)
            check_architecture(self.chosen_architecture, topology)
            return topology, algorithm_for(family, wanted)
        except ValueError as error:
            raise click.UsageError(str(error)) from error


@dataclass(frozen=True, slots=True)
class LearningOptions:
    """Settings that were asked for; None leaves them to the data set."""

    epochs: int | None
    rounds: int | None
    teacher_epochs: int | None
    batch_size: int | None
    seed: int | None

    def settings(self, dataset: str, *, images: int) -> TrainingSettings:
        """Those of a data set of so many training images, but for those that were asked for."""
        settings = default_settings(dataset, images=images)
        if self.epochs is not None:
            settings = settings.with_epochs(self.epochs)
        asked = {
            "rounds": self.rounds,
            "teacher_epochs": self.teacher_epochs,
            "batch_size": self.batch_size,
            "seed": self.seed,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        return replace(settings, **given)


def planned_epochs(topology: Topology, algorithm: Algorithm, settings: TrainingSettings) -> int:
    """Passes without the teacher's: more than were asked for if each step is to have one."""
    rounds = curriculum(topology, algorithm, settings)
    return sum(step.epochs for steps in rounds for step in steps)


def last_step(topology: Topology, algorithm: Algorithm, settings: TrainingSettings) -> str:
    """The name of the step that a training ends with."""
    return curriculum(topology, algorithm, settings)[-1][-1].name


network_options = option_group(
    "network",
    NetworkOptions,
    click.option(
        "--family",
        type=click.Choice([family.value for family in Family]),
        default=Family.FLUID.value,
        show_default=True,
        help="What a device reads of the others before the logits: see docs/concepts.md.",
    ),
    click.option(
        "--algorithm",
        type=click.Choice([algorithm.value for algorithm in Algorithm]),
        help="By default the family's own.",
    ),
    click.option(
        "--slots", type=_POSITIVE, default=2, show_default=True, help="Shares, one for a device."
    ),
    click.option(
        "--widths",
        metavar="W,...,1",
        help="Of a slot's width, growing, the last one 1; by default 0.5,1 (static: 1).",
    ),
    click.option(
        "--architecture",
        type=click.Choice(BUILT_IN),
        show_default=CNN,
        help="What a slot is made of: see docs/architectures.md.",
    ),
    click.option(
        "--backbone",
        metavar="MODULE:FUNCTION",
        help="A function of yours that builds a block from Keras layers, as the architecture; "
        "mynet:block is in mynet.py in this directory, or in an installed package.",
    ),
    click.option(
        "--channels",
        type=_POSITIVE,
        default=STATIC_CHANNELS,
        show_default=True,
        help="Of the dense network whose work, shared out evenly, is what a device does.",
    ),
)
learning_options = option_group(
    "learning",
    LearningOptions,
    click.option(
        "--epochs",
        type=_POSITIVE,
        show_default=described_defaults("epochs"),
        help="Passes for growth, at least one for each step of it, and consolidation; those of "
        "the teacher come on top.",
    ),
    click.option(
        "--rounds",
        type=_POSITIVE,
        show_default=described_defaults("rounds"),
        help="Rounds of nested incremental training.",
    ),
    click.option(
        "--teacher-epochs",
        type=click.IntRange(min=0),
        show_default=described_defaults("teacher_epochs"),
        help="Passes of a dense network that learns first and then teaches; 0: no such network.",
    ),
    click.option(
        "--batch-size",
        type=_POSITIVE,
        show_default=described_defaults("batch_size"),
        help="Images in a training batch.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(0, 2**32 - 1),
        show_default=described_defaults("seed"),
        help="Equal seeds, equal bundles.",
    ),
)
