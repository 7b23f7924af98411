"""Who is there: presences, heartbeats, and when silence means death.

Owns the view of the other agents. Ages are of messages as this agent received them, on its own
monotonic clock; nobody else's clock is read. While our own heartbeats do not come back, the
broker or our link is stalled and silence proves nothing: nobody is judged.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from edge_agent.core.settings import Timing
from fluid.messages import AgentState, Heartbeat, Presence

# Anybody may publish presences; each is kept until it is forgotten.
_MOST_KNOWN = 1024


class Health(StrEnum):
    ONLINE = "online"
    SUSPECT = "suspect"
    DEAD = "dead"  # silent for too long; nobody said so
    OFFLINE = "offline"  # it or its last will said so


@dataclass(slots=True)
class Peer:
    """One agent as we know it. `last_heard` is when anything of this incarnation arrived.

    gone_since: when we first saw that it is dead or offline; None while it is alive.
    """

    presence: Presence
    last_heard: float
    health: Health
    heartbeat: Heartbeat | None = None
    gone_since: float | None = None

    @property
    def alive(self) -> bool:
        return self.health in (Health.ONLINE, Health.SUSPECT)


@dataclass(frozen=True, slots=True)
class HealthChanged:
    """A peer's health after an event or the passing of time."""

    agent: str
    health: Health


class Peers:
    """The other agents, and our own echo."""

    def __init__(self, me: str, timing: Timing) -> None:
        self._me = me
        self._timing = timing
        self._peers: dict[str, Peer] = {}  # by name
        self._last_echo: float | None = None
        self._first_echo: float | None = None

    def __contains__(self, agent: str) -> bool:
        return agent in self._peers

    def __getitem__(self, agent: str) -> Peer:
        return self._peers[agent]

    def known(self) -> tuple[Peer, ...]:
        """All that have a presence, by name; not ourselves."""
        return tuple(self._peers.values())

    def alive(self) -> tuple[Peer, ...]:
        return tuple(peer for peer in self.known() if peer.alive)

    def presence(self, presence: Presence, now: float) -> list[HealthChanged]:
        """Take note of a peer's presence; stale incarnations are ignored."""
        old = self._peers.get(presence.agent)
        online = presence.state is AgentState.ONLINE
        stale = old is not None and presence.incarnation < old.presence.incarnation
        # A late will is of no interest. But who was gone and says that it is there, is there: its
        # clock may have been set back, and the broker may have forgotten how far it was.
        if old is not None and stale and (old.alive or not online):
            return []
        if old is None and not self._make_room():
            return []
        health = Health.ONLINE if online else Health.OFFLINE
        # What is retained comes again with each connection, and its author has not moved.
        since = None if online else now if old is None or old.alive else old.gone_since
        self._peers[presence.agent] = Peer(presence, now, health, gone_since=since)
        if old is None:
            self._peers = dict(sorted(self._peers.items()))
        if old is not None and old.health is health:
            return []
        return [HealthChanged(presence.agent, health)]

    def forget(self, agent: str) -> None:
        self._peers.pop(agent, None)

    def heartbeat(self, heartbeat: Heartbeat, now: float) -> list[HealthChanged]:
        """Take note of a heartbeat, our own included."""
        if heartbeat.agent == self._me:
            self._echo(now)
            return []
        peer = self._peers.get(heartbeat.agent)
        if peer is None or heartbeat.incarnation != peer.presence.incarnation:
            return []
        peer.last_heard = now
        peer.heartbeat = heartbeat
        if peer.health in (Health.SUSPECT, Health.DEAD):
            # A device that hung or was cut off is back. An offline one must say so itself.
            peer.health = Health.ONLINE
            peer.gone_since = None
            return [HealthChanged(heartbeat.agent, Health.ONLINE)]
        return []

    def link_lost(self) -> None:
        """Our control link is gone: until our own echo is back nobody is judged. What the broker
        retains then is the truth, also if it has forgotten and somebody's clock went back."""
        self._last_echo = self._first_echo = None
        for peer in self._peers.values():
            peer.presence = replace(peer.presence, incarnation=0)

    def is_new_here(self, now: float) -> bool:
        """Whether we have only just connected: others may be about to."""
        return self._first_echo is None or now - self._first_echo < self._timing.newcomer_s

    def stalled(self, now: float) -> bool:
        """Whether our own heartbeats have stopped coming back."""
        return self._last_echo is None or now - self._last_echo > self._timing.echo_stall_s

    def judge(self, now: float) -> list[HealthChanged]:
        """Suspect or bury whoever has been silent for too long."""
        if self.stalled(now):
            return []
        changes = []
        for peer in self.alive():
            # Compared as in `next_deadline`: a rounding apart, and the runtime would spin.
            if now >= peer.last_heard + self._timing.dead_after_s:
                peer.health = Health.DEAD
                peer.gone_since = now
            elif (
                now >= peer.last_heard + self._timing.suspect_after_s
                and peer.health is Health.ONLINE
            ):
                peer.health = Health.SUSPECT
            else:
                continue
            changes.append(HealthChanged(peer.presence.agent, peer.health))
        return changes

    def next_deadline(self, now: float) -> float | None:
        """When `judge` could next have something to say."""
        if self.stalled(now):
            return None
        deadlines = [
            peer.last_heard
            + (
                self._timing.suspect_after_s
                if peer.health is Health.ONLINE
                else self._timing.dead_after_s
            )
            for peer in self.alive()
        ]
        return min(deadlines, default=None)

    def gone_for(self, span_s: float, now: float) -> tuple[str, ...]:
        """Who has been dead or offline for so long, as far as we saw."""
        return tuple(
            peer.presence.agent
            for peer in self.known()
            if peer.gone_since is not None and now - peer.gone_since >= span_s
        )

    def _make_room(self) -> bool:
        """Whether one more can be known; whoever is gone for longest makes way."""
        if len(self._peers) < _MOST_KNOWN:
            return True
        gone = [peer for peer in self.known() if peer.gone_since is not None]
        if not gone:
            return False
        self.forget(min(gone, key=lambda peer: peer.gone_since or 0.0).presence.agent)
        return True

    def _echo(self, now: float) -> None:
        if self.stalled(now):
            # What the stall held back may still be on its way: everybody starts afresh.
            for peer in self._peers.values():
                peer.last_heard = max(peer.last_heard, now)
        self._last_echo = now
        if self._first_echo is None:
            self._first_echo = now
