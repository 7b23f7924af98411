"""What learns when: each algorithm as a list of steps. Pure.

Nested incremental training follows Xun et al. (DATE 2024, section 3): widths are trained from the
smallest up with the narrower ones frozen, then the upper part learns to live alone, in rounds. A
consolidation of all blocks together follows as the last round, because blocks that serve several
sub-networks do best when no one of these had the last word. Incremental training (Xun et al.,
arXiv 2105.03600) is the growth alone, which leaves the narrower sub-networks as they are.
"""

from dataclasses import dataclass

from trainer.topology import Block, SubNetworkSpec, Topology
from trainer.training.settings import Algorithm, TrainingSettings


@dataclass(frozen=True, slots=True)
class Step:
    """`learning` are the blocks that change; the loss is the mean over the `objectives`.

    epochs: passes over the training images. Where there is no teacher, the objectives also learn
    from the last of them, the widest.
    """

    name: str
    learning: tuple[Block, ...]
    objectives: tuple[SubNetworkSpec, ...]
    epochs: int


Round = tuple[Step, ...]


def curriculum(
    topology: Topology, algorithm: Algorithm, settings: TrainingSettings
) -> tuple[Round, ...]:
    """The steps of each round, in order. In all they take `settings.epochs` passes over the
    training images, or one for each step where that is more."""
    match algorithm:
        case Algorithm.NESTED_INCREMENTAL:
            return _nested_rounds(topology, settings)
        case Algorithm.INCREMENTAL:
            shares = _shares(settings.epochs, len(topology.growth()))
            return (incremental_pass(topology, epochs=shares),)
        case Algorithm.JOINT | Algorithm.STATIC:
            return ((consolidation(topology, epochs=settings.epochs),),)


def incremental_pass(topology: Topology, *, epochs: tuple[int, ...]) -> Round:
    """Grow the network block by block; at each step only the block just added learns.

    epochs: of each step. For two slots of two widths: lower25, lower50, 75, 100.
    """
    return tuple(
        Step(grown.name, grown.blocks[-1:], (grown,), passes)
        for grown, passes in zip(topology.growth(), epochs, strict=True)
    )


def alone_pass(topology: Topology, *, epochs: int) -> Round:
    """Train every slot but the first to work alone, from what the incremental pass gave it.

    For two slots of two widths: upper25, upper50.
    """
    return tuple(Step(spec.name, spec.blocks[-1:], (spec,), epochs) for spec in topology.alone())


def consolidation(topology: Topology, *, epochs: int) -> Step:
    """All blocks learn for all sub-networks together."""
    widest = topology.widest()
    others = tuple(spec for spec in topology.sub_networks() if spec != widest)
    name = "all" if others else widest.name
    return Step(name, topology.blocks(), (*others, widest), epochs)


def _nested_rounds(topology: Topology, settings: TrainingSettings) -> tuple[Round, ...]:
    passes = settings.growth_epochs
    growth = (
        *incremental_pass(topology, epochs=(passes,) * len(topology.growth())),
        *alone_pass(topology, epochs=passes),
    )
    left = settings.epochs - settings.rounds * passes * len(growth)
    return (*[growth] * settings.rounds, (consolidation(topology, epochs=max(1, left)),))


def _shares(epochs: int, steps: int) -> tuple[int, ...]:
    """So many passes for each step, as evenly as they go, the earlier ones first; at least one."""
    each, rest = divmod(epochs, steps)
    return tuple(max(1, each + (step < rest)) for step in range(steps))
