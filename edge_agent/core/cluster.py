"""The cluster as one agent sees it, and what it decides while it leads.

Owns membership, election, mode and placement. It knows nothing of requests.
"""

from dataclasses import replace

from edge_agent.core.effects import Effect, Note, PublishCluster
from edge_agent.core.leadership import Leadership, rank
from edge_agent.core.mode import ModeChoice
from edge_agent.core.peers import HealthChanged, Peers
from edge_agent.core.placement import place
from edge_agent.core.settings import Settings
from edge_agent.core.team import Team
from fluid.messages import ClusterState, Heartbeat, Mode, Presence


class Cluster:
    """Members, leader, mode and placement."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.peers = Peers(settings.agent, settings.timing)
        self.leadership = Leadership(settings.agent, settings.timing)
        self._mode_choice = ModeChoice(settings.timing)
        self._operator_mode: Mode | None = None
        self._published: ClusterState | None = None
        self._elsewhere: ClusterState | None = None

    @property
    def state(self) -> ClusterState | None:
        """What the leader last decided, as far as we heard."""
        return self.leadership.state

    def link_lost(self) -> None:
        self._published = None
        self._operator_mode = None
        self.peers.link_lost()
        self.leadership.link_lost()

    def broker_changed(self) -> None:
        """Who is at this broker we have yet to hear. What was decided at the one before counts
        for the next claim, unless this one knows of something later."""
        self._elsewhere = _later(self.state, self._elsewhere)
        self._mode_choice = ModeChoice(self._settings.timing)
        self.link_lost()
        self.peers = Peers(self._settings.agent, self._settings.timing)
        self.leadership.broker_changed()

    def seen(self, state: ClusterState, *, retained: bool) -> list[Effect]:
        """A cluster state came round."""
        led = self.leadership.leads
        before = self.state
        if not self.leadership.seen(state, retained=retained):
            return []
        effects: list[Effect] = []
        if self.leadership.leads and not led:
            effects.append(Note("leading", {"term": state.term}))
        if before is None or (before.leader, before.mode) != (state.leader, state.mode):
            fields: dict[str, str | int | float] = {
                "term": state.term,
                "epoch": state.epoch,
                "leader": state.leader,
                "mode": state.mode,
            }
            effects.append(Note("following", fields))
        return effects

    def wish(self, mode: Mode) -> None:
        """An operator spoke. Only the leader acts on it, but all remember it: who leads next may
        have heard it before its claim came round."""
        self._operator_mode = mode

    def presence(self, presence: Presence, now: float) -> list[Effect]:
        """Another agent's presence came round."""
        self.leadership.rumour(presence)
        return notes_of(self.peers.presence(presence, now))

    def judge(self, now: float) -> list[Effect]:
        return notes_of(self.peers.judge(now))

    def decide(self, me: Presence, load: Heartbeat, now: float) -> list[Effect]:
        """Claim leadership if it is ours to have, and publish what changed while we lead.

        Only to be called once the retained snapshot is known: a claim on a partial view splits
        the cluster.
        """
        if self.peers.stalled(now):
            return []
        members = self._members(me)
        if self.leadership.should_claim(min(members, key=rank), now):
            return self._claim(members, now)
        if not self.leadership.leads:
            self._published = None
            return []
        return self._update(members, load, now)

    def team(self) -> Team:
        """Who hears requests to everyone now, and who of them holds which slot."""
        settings = self._settings
        hearing = {
            peer.presence.agent: peer.presence
            for peer in self.peers.alive()
            if peer.presence.serving is Mode.HA
        }
        members = tuple(sorted([settings.agent, *hearing]))
        placement = self.state.placement if self.state else {}
        holders = {
            slot: tuple(
                agent
                for agent in placement.get(slot, ())
                if agent == settings.agent
                or (agent in hearing and hearing[agent].bundle == settings.digest)
            )
            for slot in settings.manifest.slots
        }
        return Team(settings.agent, settings.manifest, members, holders)

    def gone(self) -> tuple[str, ...]:
        """The agents whose sessions we are to empty: all that are not alive, while we lead."""
        if not self.leadership.leads:
            return ()
        return tuple(peer.presence.agent for peer in self.peers.known() if not peer.alive)

    def _members(self, me: Presence) -> list[Presence]:
        return sorted(
            [me, *(peer.presence for peer in self.peers.alive())],
            key=lambda presence: presence.agent,
        )

    def _claim(self, members: list[Presence], now: float) -> list[Effect]:
        before = _later(self.state, self._elsewhere)
        term = self.leadership.claim(now)
        claim = ClusterState(
            term=term,
            epoch=0,
            leader=self._settings.agent,
            mode=before.mode if before else Mode.HA,
            operator_mode=before.operator_mode if before else Mode.AUTO,
            members=tuple(member.agent for member in members),
            placement=self._place(members),
        )
        self._published = claim
        return [Note("claiming", {"term": term}), PublishCluster(claim)]

    def _update(self, members: list[Presence], load: Heartbeat, now: float) -> list[Effect]:
        current = self._published or self.state
        if current is None:
            return []
        operator = self._operator_mode or current.operator_mode
        heartbeats = [peer.heartbeat for peer in self.peers.alive() if peer.heartbeat]
        mode = self._mode_choice.choose(
            current.mode,
            operator=operator,
            votes=[member.vote for member in members],
            loads=[load, *heartbeats],
            now=now,
        )
        wanted = replace(
            current,
            mode=mode,
            operator_mode=operator,
            members=tuple(member.agent for member in members),
            placement=self._place(members),
        )
        if wanted == current:
            return []
        self._published = replace(wanted, epoch=current.epoch + 1)
        return [PublishCluster(self._published)]

    def _place(self, members: list[Presence]) -> dict[str, tuple[str, ...]]:
        before = self._published or self.state
        return place(self._settings.manifest.slots, members, before.placement if before else {})


def _later(one: ClusterState | None, other: ClusterState | None) -> ClusterState | None:
    """Which of two states was decided later; terms never go back, at whichever broker."""
    known = [state for state in (one, other) if state is not None]
    return max(known, key=lambda state: (state.term, state.epoch), default=None)


def notes_of(changes: list[HealthChanged]) -> list[Effect]:
    """A log line for each change of health."""
    return [Note(f"peer_{change.health}", {"agent": change.agent}) for change in changes]
