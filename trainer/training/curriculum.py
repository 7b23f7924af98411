"""What learns when: nested incremental training as a list of steps. Pure.

The algorithm of Xun et al. (DATE 2024, section 3): widths are trained from the smallest up with
the narrower ones frozen, then the upper part learns to live alone, in rounds. The last round is
followed by a consolidation of all blocks together, because blocks that serve several
sub-networks do best when no one of these had the last word.
"""

from dataclasses import dataclass

from trainer.topology import Block, SubNetworkSpec, Topology
from trainer.training.settings import TrainingSettings


@dataclass(frozen=True, slots=True)
class Step:
    """`learning` are the blocks that change; the loss is the mean over the `objectives`.

    epochs: passes over the training images. distilled: the objectives also learn from the last of
    them, the widest.
    """

    name: str
    learning: tuple[Block, ...]
    objectives: tuple[SubNetworkSpec, ...]
    epochs: int
    distilled: bool = False


def incremental_pass(topology: Topology, *, epochs: int) -> tuple[Step, ...]:
    """Grow the network block by block; at each step only the block just added learns.

    For two slots of two widths: lower25, lower50, 75, 100.
    """
    return tuple(
        Step(grown.name, grown.blocks[-1:], (grown,), epochs) for grown in topology.growth()
    )


def alone_pass(topology: Topology, *, epochs: int) -> tuple[Step, ...]:
    """Train every slot but the first to work alone, from what the incremental pass gave it.

    For two slots of two widths: upper25, upper50.
    """
    return tuple(Step(spec.name, spec.blocks[-1:], (spec,), epochs) for spec in topology.alone())


def nested_rounds(topology: Topology, settings: TrainingSettings) -> tuple[tuple[Step, ...], ...]:
    """The steps of each round, in order; the consolidation is the last round."""
    one_round = (
        *incremental_pass(topology, epochs=settings.epochs),
        *alone_pass(topology, epochs=settings.epochs),
    )
    last = consolidation(topology, epochs=settings.consolidation_epochs)
    return (*[one_round] * settings.rounds, (last,))


def consolidation(topology: Topology, *, epochs: int) -> Step:
    """All blocks learn for all sub-networks together, which also learn from the widest."""
    widest = topology.widest()
    others = tuple(spec for spec in topology.sub_networks() if spec != widest)
    return Step("all", topology.blocks(), (*others, widest), epochs, distilled=True)
