"""Emptying a dead agent's session, so that nothing it had not answered is lost.

The leader connects with the dead agent's client id, which is also the fence: if the agent was
alive after all, the broker throws it out. It then takes the session off the routes and sends
itself a marker through it. Everything that comes before the marker is handed to the living by
publishing it again; once all of that is confirmed, the session is ended.

Publishing again, rather than answering here, spreads a dead device's backlog over all that are
left and keeps one way of answering a request.
"""

from collections.abc import Callable, Iterable
from itertools import count

from edge_agent.core.answers import build_error
from edge_agent.core.effects import (
    AckAdopted,
    CloseAdoption,
    DrainAdoption,
    Effect,
    Note,
    OpenAdoption,
    ReplyAdopted,
    RepublishAdopted,
    WriteAttempt,
)
from edge_agent.core.events import (
    AdoptionClosed,
    AdoptionConfirmed,
    AdoptionMarker,
    AdoptionOpened,
    AdoptionRequest,
    Event,
    Request,
    Route,
)
from edge_agent.core.suspicion import AttemptNotes, executors, worn_out
from edge_agent.core.verdicts import Verdicts
from fluid.bus import CloseReason

_RETRY_S = 0.5
_TAKEN_OVER_RETRY_S = 2.0
_MOST_AT_ONCE = 8


class Adoption:
    """One dead agent's session, from the connection to its end.

    knows: whether a request that went to every device is held or was answered by this one.
    marker: unlike any other adopter's, whose marker may still lie in the session. notes: who was
    running what when it went down. verdicts: which requests bring devices down.
    """

    def __init__(
        self,
        agent: str,
        *,
        marker: str,
        knows: Callable[[Request], bool],
        notes: AttemptNotes,
        verdicts: Verdicts,
    ) -> None:
        self.agent = agent
        self.finished = False
        self._marker = marker
        self._tries = 0
        self._knows = knows
        self._notes = notes
        self._verdicts = verdicts
        self._tokens = count(1)
        self._unconfirmed: dict[int, int] = {}
        self._republished: set[int] = set()
        self._marked = False
        self._handed_over = 0
        self._retry_at: float | None = None

    def start(self) -> list[Effect]:
        self._retry_at = None
        self._tries += 1
        self._unconfirmed.clear()
        self._republished.clear()
        self._marked = False
        return [Note("adoption_started", {"agent": self.agent}), OpenAdoption(self.agent)]

    def opened(self, event: AdoptionOpened) -> list[Effect]:
        if event.session_present:
            return [DrainAdoption(self.agent, self._current_marker())]
        return self._finish()

    def request(self, event: AdoptionRequest) -> list[Effect]:
        """Hand one request to the living, unless they have it already."""
        request = event.request
        if event.route is Route.EVERYONE and self._knows(request):
            return [AckAdopted(self.agent, event.ack_id)]
        named = self._notes.names(self.agent, request.key)
        handovers = executors(request.handovers, was_sent=event.was_sent, named=named)
        token = next(self._tokens)
        self._unconfirmed[token] = event.ack_id
        # What is wrong with an envelope may also be what keeps it from being published again.
        verdict = worn_out(handovers)
        if verdict is not None:
            self._verdicts.condemn(request)
        known = self._verdicts.on(request, suspect=handovers > 0)
        fault = request.fault or verdict or known
        if fault is not None:
            return [ReplyAdopted(self.agent, request, build_error(request, fault), token)]
        self._handed_over += 1
        self._republished.add(token)
        return [RepublishAdopted(self.agent, request, handovers, token)]

    def confirmed(self, event: AdoptionConfirmed, now: float) -> list[Effect]:
        if not event.heard and event.token in self._republished:
            # Nobody serves at this moment: what we hold stays in the session, for the next try.
            self._retry_at = now + _RETRY_S
            return [CloseAdoption(self.agent, end_session=False)]
        ack_id = self._unconfirmed.pop(event.token, None)
        if ack_id is None or self._retry_at is not None:
            return []
        effects: list[Effect] = []
        if not event.accepted:
            effects.append(Note("handover_refused", {"agent": self.agent}, problem=True))
        effects.append(AckAdopted(self.agent, ack_id))
        return effects + self._finish_if_empty()

    def marker(self, event: AdoptionMarker) -> list[Effect]:
        self._marked = self._marked or event.marker == self._current_marker()
        return [AckAdopted(self.agent, event.ack_id), *self._finish_if_empty()]

    def closed(self, event: AdoptionClosed, now: float) -> list[Effect]:
        if event.reason is CloseReason.TAKEN_OVER and not self.finished:
            # Mostly by the agent, which is back: its presence says so before, or any moment now.
            # But also by one who led a moment ago, and who will leave it as it is.
            self._retry_at = now + _TAKEN_OVER_RETRY_S
            return [Note("adoption_taken_over", {"agent": self.agent})]
        if not self.finished:
            self._retry_at = now + _RETRY_S
        return []

    def tick(self, now: float, *, is_deaf: bool = False) -> list[Effect]:
        """is_deaf: whether we would not hear that the agent is back."""
        if self._retry_at is None or now < self._retry_at:
            return []
        if is_deaf:
            self._retry_at = now + _RETRY_S
            return []
        return self.start()

    def abandon(self) -> list[Effect]:
        """The agent is back, or somebody else leads: leave the session as it is."""
        self.finished = True
        return [CloseAdoption(self.agent, end_session=False)]

    def next_deadline(self) -> float | None:
        return self._retry_at

    def _current_marker(self) -> str:
        return f"{self._marker}.{self._tries}"

    def _finish_if_empty(self) -> list[Effect]:
        return self._finish() if self._marked and not self._unconfirmed else []

    def _finish(self) -> list[Effect]:
        self.finished = True
        # What the note named is answered or handed on: it must not condemn an equal request later.
        clear = [WriteAttempt(self.agent, (), token=0)] if self._notes.has(self.agent) else []
        return [
            *clear,
            CloseAdoption(self.agent, end_session=True),
            Note("adoption_finished", {"agent": self.agent, "handed_over": self._handed_over}),
        ]


class Adoptions:
    """All sessions that this agent empties as the leader."""

    def __init__(
        self, *, knows: Callable[[Request], bool], notes: AttemptNotes, verdicts: Verdicts
    ) -> None:
        self._knows = knows
        self._notes = notes
        self._verdicts = verdicts
        self._begun = count(1)
        self._active: dict[str, Adoption] = {}
        self._settled: set[str] = set()

    def heard(self, event: Event, now: float) -> list[Effect]:
        """What comes from a session that we empty; late news of a finished one is nothing."""
        match event:
            case AdoptionOpened(agent) if agent in self._active:
                return self._active[agent].opened(event)
            case AdoptionRequest(agent) if agent in self._active:
                return self._active[agent].request(event)
            case AdoptionMarker(agent) if agent in self._active:
                return self._active[agent].marker(event)
            case AdoptionConfirmed(agent) if agent in self._active:
                return self._active[agent].confirmed(event, now)
            case AdoptionClosed(agent) if agent in self._active:
                return self._active[agent].closed(event, now)
            case _:
                return []

    def is_settled(self, agent: str) -> bool:
        """Whether the session of an agent that is gone was emptied and ended."""
        return agent in self._settled

    def update(
        self, gone: Iterable[str], *, marker: str, now: float, is_deaf: bool = False
    ) -> list[Effect]:
        """Adopt whoever is gone; leave alone whoever is back. `gone` is empty for a follower.

        is_deaf: our own heartbeats do not come back, so nor would the news that somebody is back:
        no session is opened.
        """
        wanted = set(gone)
        self._settled &= wanted
        effects: list[Effect] = []
        for agent in sorted(self._active):
            adoption = self._active[agent]
            if adoption.finished:
                self._settled.add(agent)
                del self._active[agent]
            elif agent not in wanted:
                effects += adoption.abandon()
                del self._active[agent]
            else:
                effects += adoption.tick(now, is_deaf=is_deaf)
        room = 0 if is_deaf else _MOST_AT_ONCE - len(self._active)
        for agent in sorted(wanted - self._settled - self._active.keys())[:room]:
            self._active[agent] = Adoption(
                agent,
                # An adoption that was abandoned may have left its marker in the session.
                marker=f"{marker}.{next(self._begun)}",
                knows=self._knows,
                notes=self._notes,
                verdicts=self._verdicts,
            )
            effects += self._active[agent].start()
        return effects

    def next_deadline(self) -> float | None:
        deadlines = (adoption.next_deadline() for adoption in self._active.values())
        return min((at for at in deadlines if at is not None), default=None)
