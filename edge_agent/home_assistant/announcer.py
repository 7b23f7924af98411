"""When Home Assistant is told what: at first, again, and no more.

Pure: it takes events, moments and messages, and gives the messages to publish. The rules:

- an agent says its own discovery when its link opens, and again when Home Assistant starts;
- whoever leads says the cluster's too, and clears that of an agent that was forgotten;
- one that is told not to be there clears what an earlier start has left, and says no more.
"""

from collections.abc import Iterator, Sequence

from edge_agent.core import events as seen
from edge_agent.core.effects import Effect
from edge_agent.core.events import Event
from edge_agent.home_assistant.activity import REPORT_S, Activity
from edge_agent.home_assistant.discovery import Discovery
from edge_agent.observer import View
from fluid.bus import Message
from fluid.messages import AgentState

# An agent that runs says its presence again when somebody clears it: it is not forgotten then.
_RETURN_S = 2.0


class Announcer:
    """Decides for one agent. withdraws: it is to be removed from Home Assistant."""

    def __init__(self, discovery: Discovery, *, withdraws: bool, now: float) -> None:
        self.withdraws = withdraws
        self._discovery = discovery
        self._activity = Activity(discovery.agent, now)
        self._leads = False
        self._cluster_is_said = False
        self._report_at = now + REPORT_S
        self._forgotten: dict[str, float] = {}  # when each is cleared

    def opened(self, now: float) -> list[Message]:
        """The link is open: what this broker is told first."""
        discovery = self._discovery
        if self.withdraws:
            topics = (discovery.agent_topic(discovery.agent), discovery.cluster_topic)
            return [discovery.cleared(topic) for topic in topics]
        self._cluster_is_said = False
        return [*self._introduction(), *self._report(now)]

    def heard(self, message: Message, now: float) -> list[Message]:
        """A message of Home Assistant's came."""
        if self.withdraws or not self._discovery.is_start(message):
            return []
        self._cluster_is_said = False
        return [*self._introduction(), *self._report(now)]

    def beat(self, view: View) -> None:
        """How the agent stands now."""
        self._leads = view.leads
        self._cluster_is_said &= view.leads

    def observe(self, event: Event, effects: Sequence[Effect], now: float) -> None:
        """Take in one step of the core."""
        self._activity.observe(event, effects, now)
        match event:
            case seen.PresenceCleared(agent) if agent != self._discovery.agent:
                self._forgotten[agent] = now + _RETURN_S
            case seen.PresenceSeen(presence) if presence.state is AgentState.ONLINE:
                self._forgotten.pop(presence.agent, None)

    def due(self, now: float) -> list[Message]:
        """What is to be said now, while the link is open."""
        if self.withdraws:
            return []
        messages = [*self._cluster(), *self._clearings(now)]
        return [*messages, *self._report(now)] if now >= self._report_at else messages

    def _introduction(self) -> Iterator[Message]:
        yield self._discovery.of_agent()
        yield from self._cluster()

    def _cluster(self) -> Iterator[Message]:
        if self._leads and not self._cluster_is_said:
            self._cluster_is_said = True
            yield self._discovery.of_cluster()

    def _clearings(self, now: float) -> Iterator[Message]:
        for agent in [each for each, at in self._forgotten.items() if now >= at]:
            del self._forgotten[agent]
            if self._leads:
                yield self._discovery.cleared(self._discovery.agent_topic(agent))

    def _report(self, now: float) -> Iterator[Message]:
        """Not retained: what a device did once says nothing about now."""
        self._report_at = now + REPORT_S
        discovery = self._discovery
        report = self._activity.report(now)
        yield Message(discovery.topics.state(discovery.agent), report.encode())
