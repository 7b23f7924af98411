"""Which requests were found to bring devices down, by whichever agent.

Of one request there may be many copies: every device that hears it in HA has one, each of those
that goes down leaves one in its session, and whoever empties that session makes one for each of
the living. If each copy had to bring two devices down before it gets its error, there would be no
end of it. So a verdict is for all to know, and outlives the agent that found it: it is retained.
"""

from collections import OrderedDict

from edge_agent.core.events import Request, RequestFault
from edge_agent.core.suspicion import MOST_EXECUTORS, worn_out

MOST_CONDEMNED = 64  # by one agent; the oldest are forgotten first
_MOST_AGENTS = 1000


class Verdicts:
    """Our own verdicts, in the order in which we found them, and those of the other agents."""

    def __init__(self, agent: str) -> None:
        self._agent = agent
        self._ours: OrderedDict[bytes, None] = OrderedDict()
        self._theirs: OrderedDict[str, frozenset[bytes]] = OrderedDict()
        self._said: tuple[bytes, ...] = ()
        self._link_open = False

    def condemn(self, request: Request) -> None:
        """Note that a request brought too many devices down.

        No adopter passes one on that says so itself: then anybody may have written that, and
        could make us forget all that we know.
        """
        if request.handovers >= MOST_EXECUTORS:
            return
        self._ours[request.key] = None
        if len(self._ours) > MOST_CONDEMNED:
            self._ours.popitem(last=False)

    def seen(self, agent: str, keys: tuple[bytes, ...]) -> None:
        """An agent's list came round; our own is what we said, or what our former life had."""
        keys = keys[:MOST_CONDEMNED]
        if agent == self._agent:
            self._said = keys
            self._ours = OrderedDict.fromkeys((*keys, *self._ours))
            while len(self._ours) > MOST_CONDEMNED:
                self._ours.popitem(last=False)
            return
        self._theirs.pop(agent, None)
        if keys:
            self._theirs[agent] = frozenset(keys)
        if len(self._theirs) > _MOST_AGENTS:
            self._theirs.popitem(last=False)

    def on(self, request: Request, *, suspect: bool) -> RequestFault | None:
        """What a copy of a condemned request is answered with, whose own count says too little.

        A client sends a unique request again; and a suspect was there when a device went down. An
        equal request that is new is judged anew.
        """
        is_copy = request.unique or suspect
        return worn_out(MOST_EXECUTORS) if is_copy and self._knows(request.key) else None

    def news(self) -> tuple[bytes, ...] | None:
        """Our list, if it has to be said (again); whoever asks says it."""
        if not self._link_open or self._ours.keys() == set(self._said):
            return None
        self._said = tuple(self._ours)
        return self._said

    def link_opened(self) -> None:
        """The control link is there. What was said on the one before may have been lost."""
        self._link_open = True
        self._said = ()

    def link_lost(self) -> None:
        self._link_open = False

    def broker_changed(self) -> None:
        """Another broker has other lists."""
        self._theirs.clear()

    def _knows(self, key: bytes) -> bool:
        return key in self._ours or any(key in keys for keys in self._theirs.values())
