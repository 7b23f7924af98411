"""How others look on while an agent works: what they are shown, and when.

An observer belongs to the thread that owns the state, is told of each step, and changes nothing.
What other threads want to know of it, it keeps on its own side: they never touch the node.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from edge_agent.core.effects import Effect
from edge_agent.core.events import Event
from fluid.messages import ClusterState, Mode


@dataclass(frozen=True, slots=True)
class View:
    """An agent at one moment.

    serving: the mode whose requests it hears. held: requests that it has not let go of.
    malformed: messages that could not be read since the start, by the kind of their topic.
    """

    state: ClusterState | None
    leads: bool
    serving: Mode | None
    held: int
    malformed: Mapping[str, int]


class Observer(Protocol):
    """Must be quick: it is called on the way of each request. `now` is monotonic, in seconds."""

    def observe(self, event: Event, effects: Sequence[Effect], now: float) -> None:
        """One step of the core: what happened, and what it wants done."""

    def beat(self, view: View) -> None:
        """Called each half second or so, and when the cluster's state may have changed."""
