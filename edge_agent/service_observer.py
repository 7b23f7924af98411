"""Tells the service manager how the agent is: that it runs, what it does, and that it is well.

It looks on from the thread that owns the state, which turns at least twice a second. So a sign of
life says by itself that this thread turns, and is given only while nothing ails.
"""

from collections.abc import Sequence

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.core.effects import Effect
from edge_agent.core.events import Event, LinkName
from edge_agent.health import Health
from edge_agent.observer import View
from edge_agent.service_manager import ServiceManager


class ServiceObserver:
    """An observer of the agent with this id. broker: its preferred one, for people."""

    def __init__(self, manager: ServiceManager, agent: str, *, broker: str) -> None:
        self._manager = manager
        self._health = Health(agent)
        self._trouble = f"connecting to {broker}"
        self._status = ""
        self._ailment = ""
        self._is_ready = self._is_stopping = False
        self._next_sign_at = 0.0

    def observe(self, event: Event, effects: Sequence[Effect], now: float) -> None:
        self._health.take(event, effects, now)
        if not self._is_ready:
            # The bundle is loaded and the state's thread turns. A broker that is down is no reason
            # not to be started: it is waited for, and the status says so.
            self._is_ready = True
            self._manager.ready()
        if isinstance(event, seen.LinkClosed) and event.link is LinkName.CONTROL and event.detail:
            self._trouble = f"not connected: {event.detail}"
        if isinstance(event, seen.LeaveRequested) or do.Exit in map(type, effects):
            self._stop()
        self._ailment = self._health.ailment(now)
        if not self._ailment:
            self._live(now)

    def beat(self, view: View) -> None:
        if self._is_stopping:
            return
        status = self._ailment or self._work(view)
        if status != self._status:
            self._status = status
            self._manager.status(status)

    def _live(self, now: float) -> None:
        if self._manager.watchdog_s is not None and now >= self._next_sign_at:
            self._next_sign_at = now + self._manager.watchdog_s / 2
            self._manager.alive()

    def _stop(self) -> None:
        if not self._is_stopping:
            self._is_stopping = True
            self._manager.status("finishing what it holds")
            self._manager.stopping()

    def _work(self, view: View) -> str:
        if not self._health.is_connected:
            return self._trouble
        if view.serving is None or view.state is None:
            return "connected; serves nothing yet"
        members = len(view.state.members)
        lead = "leads" if view.leads else f"follows {view.state.leader}"
        return f"serves in {view.serving}; {lead}; members: {members}"
