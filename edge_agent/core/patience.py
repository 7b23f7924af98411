"""How long to wait for another device's part in a request.

As a rule as long as that device is at work: a burst must not turn into degraded answers. But a
device that came back, or hung, may have a queue of requests from a time when another was not
there. That one will never do its part in them, so the two are *out of step*, and it is waited
for only briefly until it does its part in something again.
"""

from collections.abc import Collection

from edge_agent.core.settings import Timing

# Names come from peers, and nobody waits for so many.
_MOST_AGENTS = 1024


class Patience:
    """Remembers who is at work, and who is out of step with us."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._out_of_step: set[str] = set()
        # When each first said that it never had a request, since it was last heard.
        self._never_had_since: dict[str, float] = {}
        self._queues: dict[str, int] = {}

    def heard(self, agent: str) -> None:
        """An agent did its part in a request that we hold."""
        self._keeps_step(agent)

    def missed(self, agents: Collection[str]) -> None:
        """These agents did not, and will not, do their part in a request that we hold."""
        for agent in agents:
            if len(self._out_of_step) < _MOST_AGENTS:
                self._out_of_step.add(agent)

    def never_had(self, agent: str, now: float, *, came_at: float) -> None:
        """An agent says that it never had a request, which came to us at `came_at`.

        One that has just come to listen has what is sent from then on. If it says the same of what
        came to us later, we work off a queue that it has not.
        """
        if came_at > self._never_had_since.get(agent, now):
            self.missed((agent,))
        elif len(self._never_had_since) < _MOST_AGENTS:
            self._never_had_since.setdefault(agent, now)

    def load(self, agent: str, queue: int, *, ours: int) -> None:
        """How many requests an agent holds, as its heartbeat says, and how many we do."""
        self._queues[agent] = queue
        if queue == ours == 0:
            # Whatever comes from now on reaches both.
            self._keeps_step(agent)

    def forget(self, agent: str) -> None:
        """An agent is gone for good."""
        self._keeps_step(agent)
        self._queues.pop(agent, None)

    def out_of_step(self, agent: str) -> bool:
        return agent in self._out_of_step

    def at_work(self, agents: Collection[str]) -> bool:
        """Whether all of these are busy with requests, and in step with us."""
        return all(
            self._queues.get(agent, 0) > 0 and agent not in self._out_of_step for agent in agents
        )

    def for_share_s(self, agents: Collection[str], *, own_s: float) -> float:
        """How long to wait for these agents' shares, when our own took `own_s`."""
        return self._wait_s(agents, self._timing.straggler_s, own_s)

    def for_answer_s(self, agent: str, *, own_s: float) -> float:
        """How long to wait for the answer of the agent that has our share."""
        return self._wait_s((agent,), self._timing.handover_s, own_s)

    def _wait_s(self, agents: Collection[str], least_s: float, own_s: float) -> float:
        if not self._out_of_step.isdisjoint(agents):
            return self._timing.brief_s
        return max(least_s, 2 * own_s)

    def _keeps_step(self, agent: str) -> None:
        self._out_of_step.discard(agent)
        self._never_had_since.pop(agent, None)
