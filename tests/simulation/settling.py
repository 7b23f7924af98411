"""Waiting until all that must hold once faults are over does hold."""

from tests.simulation.invariants import SAFETY, SETTLED, expect, first_violation
from tests.simulation.world import World

# As long as it may take: keepalives run out, links are opened after pauses that double, requests
# wait for stragglers and are sent again.
CALM_AT_MOST_S = 60.0
LOOK_EVERY_S = 0.5
# What holds by chance, between two attempts of somebody who is not settled, does not hold so long.
_LOOKS_IN_A_ROW = 3


def settle(world: World) -> None:
    """Let time pass until all holds for a while; raise what does not in the end."""
    # Who found a broker of no use looks at it again only after a while.
    give_up_at = world.now + CALM_AT_MOST_S * len(world.brokers)
    held = 0
    while held < _LOOKS_IN_A_ROW:
        violation = first_violation(world, SETTLED)
        if violation is not None and world.now >= give_up_at:
            expect(world, *SAFETY)  # which may be why nothing settles
            raise violation
        held = 0 if violation else held + 1
        world.run(LOOK_EVERY_S)
    expect(world, *SAFETY)
