"""Removing what the broker keeps of agents that are gone for good, and what it says to that.

Owns whom we asked it to forget, while we lead. Who is due is not decided here.
"""

from collections.abc import Iterable

from edge_agent.core.effects import ClearPresence, Effect, Note


class Forgetting:
    """What one agent asked the broker to forget."""

    def __init__(self) -> None:
        self._token = 0
        self._under_way: dict[int, str] = {}
        self._asked: set[str] = set()
        self._refused: set[str] = set()

    def ask(self, agents: Iterable[str]) -> list[Effect]:
        """Have these forgotten; each is asked for once, until that is undone."""
        effects: list[Effect] = []
        for agent in agents:
            if agent not in self._asked:
                self._asked.add(agent)
                self._token += 1
                self._under_way[self._token] = agent
                effects.append(ClearPresence(agent, self._token))
        return effects

    def confirmed(self, token: int, *, accepted: bool) -> list[Effect]:
        """The broker did (or refused) what carried this token.

        Refused, it is asked again on the next connection, as rights may be others then; it is
        said once for each agent.
        """
        agent = self._under_way.pop(token, None)
        if agent is None:
            return []
        if accepted:
            self._refused.discard(agent)
            return [Note("peer_forgotten", {"agent": agent})]
        if agent in self._refused:
            return []
        self._refused.add(agent)
        message = (
            "the broker does not let this agent clear what it keeps of another; have an operator "
            f"run 'fluid forget {agent}'"
        )
        return [Note("forget_refused", {"agent": agent, "message": message}, problem=True)]

    def done(self, agent: str) -> None:
        """What was kept of an agent is gone, whoever removed it."""
        self._asked.discard(agent)
        self._refused.discard(agent)

    def undo(self) -> None:
        """Others lead, or the link is lost with what was under way: it may have to be said again."""
        self._under_way.clear()
        self._asked.clear()
