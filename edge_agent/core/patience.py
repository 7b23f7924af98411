"""How long to wait for another device's part in a request.

As a rule long enough for a device that is merely slow. But a device that came back, or hung, may
have a queue of requests from a time when another was not there: that one will never answer for
them. So whoever let a deadline pass is waited for briefly, until it is heard from again.
"""

from collections.abc import Collection

from edge_agent.core.settings import Timing


class Patience:
    """Remembers who let us wait in vain."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._missed: set[str] = set()

    def heard(self, agent: str) -> None:
        """An agent did its part in some request."""
        self._missed.discard(agent)

    def missed(self, agents: Collection[str]) -> None:
        """A deadline passed without these agents' part."""
        self._missed.update(agents)

    def for_share_s(self, agents: Collection[str], *, own_s: float) -> float:
        """How long to wait for these agents' shares, when our own took `own_s`."""
        return self._wait_s(agents, self._timing.straggler_s, own_s)

    def for_answer_s(self, agent: str, *, own_s: float) -> float:
        """How long to wait for the answer of the agent that has our share."""
        return self._wait_s((agent,), self._timing.handover_s, own_s)

    def _wait_s(self, agents: Collection[str], least_s: float, own_s: float) -> float:
        if not self._missed.isdisjoint(agents):
            return self._timing.brief_s
        return max(least_s, 2 * own_s)
