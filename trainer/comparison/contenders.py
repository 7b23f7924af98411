"""Who is compared, and with which settings: every contender passes over the data equally often.

Pure; imports no TensorFlow.
"""

from dataclasses import dataclass, replace

from trainer.topology import Family, Topology
from trainer.training.curriculum import curriculum
from trainer.training.settings import ALGORITHMS, Algorithm, TrainingSettings

_SLOTS = 2  # the paper's Master and Worker


@dataclass(frozen=True, slots=True)
class Contender:
    """A family and how it is trained."""

    family: Family
    algorithm: Algorithm

    @property
    def name(self) -> str:
        """The family, and the algorithm where the family has a choice."""
        if len(ALGORITHMS[self.family]) == 1:
            return self.family.value
        return f"{self.family} {self.algorithm}"

    @property
    def topology(self) -> Topology:
        """Two slots, of the family's usual widths."""
        return Topology.of(_SLOTS, family=self.family)


STATIC = Contender(Family.STATIC, Algorithm.STATIC)
DYNAMIC = Contender(Family.DYNAMIC, Algorithm.INCREMENTAL)
NESTED = Contender(Family.FLUID, Algorithm.NESTED_INCREMENTAL)
JOINT = Contender(Family.FLUID, Algorithm.JOINT)

CONTENDERS = (STATIC, DYNAMIC, NESTED, JOINT)


@dataclass(frozen=True, slots=True)
class Training:
    """One training of the comparison; its seed is in the settings."""

    contender: Contender
    settings: TrainingSettings

    def __str__(self) -> str:
        return f"{self.contender.name}, seed {self.settings.seed}"

    @property
    def passes(self) -> int:
        """Passes over the training images that it takes, the teacher's among them."""
        rounds = curriculum(self.contender.topology, self.contender.algorithm, self.settings)
        own = sum(step.epochs for steps in rounds for step in steps)
        return own + self.settings.teacher_epochs


def plan_trainings(
    defaults: TrainingSettings, *, seeds: int, passes: int | None = None
) -> tuple[Training, ...]:
    """Every contender with the seeds 0..seeds-1: seed by seed, the contenders in turn.

    So what else the machine does meanwhile weighs on all of them alike. defaults: the fluid
    network's. passes: over the training images in all, a teacher's among them, for each contender;
    None for those of `defaults`. The teacher's share and the growth's are scaled with them. Raises
    `ValueError` if a contender cannot do with so few.
    """
    total = defaults.epochs + defaults.teacher_epochs
    scaled = _scaled(defaults, total if passes is None else passes)
    trainings = tuple(
        Training(contender, replace(_settings(contender, scaled), seed=seed))
        for seed in range(seeds)
        for contender in CONTENDERS
    )
    for training in trainings:
        wanted = scaled.epochs + scaled.teacher_epochs
        if training.passes != wanted:
            raise ValueError(
                f"{wanted} passes over the data are too few: {training.contender.name} would "
                f"take {training.passes}"
            )
    return trainings


def _scaled(settings: TrainingSettings, passes: int) -> TrainingSettings:
    total = settings.epochs + settings.teacher_epochs
    lessons = min(round(passes * settings.teacher_epochs / total), passes - 1)
    return replace(
        settings,
        epochs=passes - lessons,
        teacher_epochs=lessons,
        growth_epochs=max(1, settings.growth_epochs * passes // total),
    )


def _settings(contender: Contender, fluid: TrainingSettings) -> TrainingSettings:
    """The baselines learn without a teacher, so its passes are theirs."""
    if contender.family is Family.FLUID:
        return fluid
    return replace(fluid, epochs=fluid.epochs + fluid.teacher_epochs, teacher_epochs=0)
