"""One node on a broker that only it is connected to, without any delay.

What the node publishes on its own topics comes back to it, links open when they are asked to, and
time moves from deadline to deadline. Not a model of MQTT: that is the simulation's.
"""

from collections import deque
from typing import Any, TypeVar

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.core.effects import Effect
from edge_agent.core.events import Event, LinkName, Route
from edge_agent.core.node import Node
from fluid.bus import CloseReason
from tests.unit.edge_agent.making import all_of, computed, settings

_Kind = TypeVar("_Kind")


class Loopback:
    """reachable: whether links open. adoptable: whether the links to dead sessions do, and
    answers_adoptions: whether it is told. refused_routes: whose subscriptions are refused.

    Of several brokers, by index: down: those that do not run. lets_in: those that take more than
    probes. refusing, refusing_sessions: those that refuse the control link or the other. silent:
    those that let us in and send nothing back.
    """

    def __init__(self, agent: str = "a", **changes: Any) -> None:
        self.node = Node(settings(agent, **changes))
        self.now = 100.0
        self.ticks = 0
        self.reachable = True
        self.adoptable = True
        self.answers_adoptions = True
        self.down: set[int] = set()
        self.lets_in = {0, 1, 2}
        self.refusing: set[int] = set()
        self.refusing_sessions: set[int] = set()
        self.silent: set[int] = set()
        self.refused_routes: set[Route] = set()
        self._broker = 0
        self.computes = True
        self.ended = False
        self.log: list[Effect] = []
        self._events: deque[Event] = deque()

    def start(self, incarnation: int = 1000) -> "Loopback":
        self.happen(seen.Started(incarnation))
        return self

    def happen(self, *events: Event) -> list[Effect]:
        """Let events happen now, and all that follows from them at once; returns all effects."""
        before = len(self.log)
        self._events.extend(events)
        while self._events:
            effects = self.node.step(self._events.popleft(), self.now)
            self.log += effects
            self.ended = self.ended or any(isinstance(effect, do.Exit) for effect in effects)
            for effect in effects:
                self._events.extend(self._answer(effect))
        return self.log[before:]

    def run(self, seconds: float) -> list[Effect]:
        """Tick at each deadline for so long; returns all effects."""
        before = len(self.log)
        end = self.now + seconds
        while not self.ended and (deadline := self.node.next_deadline()) < end:
            self.now = max(self.now, deadline)
            self.ticks += 1
            self.happen(seen.Tick())
        self.now = end
        return self.log[before:]

    def said(self, kind: type[_Kind]) -> list[_Kind]:
        return all_of(self.log, kind)

    def computed(self, name: str) -> Event:
        """The answer of the executor to what it was last asked about a request."""
        jobs = [job for job in self.said(do.Compute) if job.request.id == name]
        return computed(name, *jobs[-1].stages)

    def _answer(self, effect: Effect) -> list[Event]:  # noqa: PLR0911 - a table
        """What follows from an effect at once."""
        match effect:
            case do.OpenControl(probe=probe, broker=broker):
                self._broker = broker
                echo = [] if broker in self.silent else [seen.HeartbeatSeen(probe)]
                return self._open(LinkName.CONTROL, self.refusing, *echo)
            case do.OpenInfer():
                return self._open(LinkName.INFER, self.refusing_sessions)
            case do.CloseLink(link):
                return [seen.LinkClosed(link, CloseReason.REQUESTED)]
            case do.ProbeBroker(broker):
                return [seen.BrokerProbed(broker, self.reachable and broker not in self.down)]
            case do.OpenAdoption(agent) if not self.answers_adoptions:
                return []
            case do.OpenAdoption(agent) if self.adoptable:
                return [seen.AdoptionOpened(agent, session_present=False)]
            case do.OpenAdoption(agent):
                return [seen.AdoptionClosed(agent, CloseReason.UNREACHABLE)]
            case do.Compute(request, stages) if self.computes:
                return [computed(request.id, *stages)]
            case _:
                return [] if self._broker in self.silent else self._echo(effect)

    def _echo(self, effect: Effect) -> list[Event]:  # noqa: PLR0911 - a dispatch table
        """What the broker sends back."""
        match effect:
            case do.Serve(route) if route in self.refused_routes:
                return [seen.ServeRefused(route)]
            case do.Serve(route):
                return [seen.Served(route)]
            case do.PublishPresence(presence):
                return [seen.PresenceSeen(presence)]
            case do.ClearPresence(agent, token):
                return [seen.ForgetConfirmed(token, accepted=True), seen.PresenceCleared(agent)]
            case do.PublishHeartbeat(heartbeat):
                return [seen.HeartbeatSeen(heartbeat)]
            case do.PublishCluster(state):
                return [seen.ClusterSeen(state, retained=False)]
            case do.SendReply(token=token):
                return [seen.ReplyConfirmed(token, accepted=True)]
            case _:
                return []

    def _open(self, link: LinkName, refusing: set[int], *then: Event) -> list[Event]:
        broker = self._broker
        if not self.reachable or broker in self.down or broker not in self.lets_in:
            return [seen.LinkClosed(link, CloseReason.UNREACHABLE, "nobody there")]
        if broker in refusing:
            return [seen.LinkClosed(link, CloseReason.REFUSED, f"broker {broker} says no")]
        return [seen.LinkOpened(link), *then]
