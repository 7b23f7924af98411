"""Several things that happened, handled at once: what is to be done about them is done together.

The runtime and the simulation share this: which events may wait for each other's effects decides
whether something is lost.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from edge_agent.core.effects import Effect
from edge_agent.core.events import Event
from edge_agent.switchboard import FromLink
from edge_agent.urgency import must_go_now
from fluid.bus import Closed, Opened

_OF_THE_LINK = (Opened, Closed)
_Item = TypeVar("_Item")


def handle(
    items: Iterable[_Item],
    *,
    events: Callable[[_Item], Sequence[Event]],
    step: Callable[[Event], Sequence[Effect]],
    perform: Callable[[list[Effect]], None],
) -> None:
    """Step the core with each, in order, and perform what that causes, as rarely as can be.

    events: what an item means, asked when all before it are stepped with.
    """
    effects: list[Effect] = []
    for item in items:
        if isinstance(item, FromLink) and isinstance(item.event, _OF_THE_LINK):
            # What was decided before is for the connections as they were then.
            perform(effects)
            effects = []
        for event in events(item):
            caused = step(event)
            effects += caused
            if must_go_now(event, caused):
                perform(effects)
                effects = []
    perform(effects)
