"""Agents of one cluster that end together. What they are for is the subclasses'."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from tests.integration.harness.agents import AgentProcess


class AgentGroup:
    """Use it in `with`: however that is left, no agent outlives it."""

    def __init__(self, agents: Mapping[str, AgentProcess]) -> None:
        """agents: by name, not started."""
        self._agents = agents

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        for agent in self._agents.values():
            agent.close()

    def __getitem__(self, name: str) -> AgentProcess:
        return self._agents[name]

    def check(self) -> None:
        """Fail if an agent has ended that nobody has ended."""
        for agent in self._agents.values():
            agent.check()
