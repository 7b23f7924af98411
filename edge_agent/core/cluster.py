"""The cluster as one agent sees it, and what it decides while it leads.

Owns membership, election, mode and placement. It knows nothing of requests.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from edge_agent.core.edition import Edition
from edge_agent.core.effects import Effect, Note, PublishCluster, RecordTerm
from edge_agent.core.forgetting import Forgetting
from edge_agent.core.leadership import Leadership, rank
from edge_agent.core.mode import Load, ModeChoice
from edge_agent.core.peers import HealthChanged, Peer, Peers
from edge_agent.core.placement import place_groups
from edge_agent.core.settings import Settings
from edge_agent.core.team import Team
from edge_agent.core.word import OperatorsWord
from fluid.bundle import Manifest
from fluid.messages import ClusterState, Heartbeat, Mode, Presence

# Anybody may say that an agent is gone, and take it back.
_MOST_OWED = 1024

# What a placement is made of: the members, what held before, and our own bundle's slots.
_Given = tuple[list[Presence], Mapping[str, tuple[str, ...]], tuple[str, ...]]


class Cluster:
    """Members, leader, mode and placement."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._edition = settings.edition
        self.peers = Peers(settings.agent, settings.timing)
        self.leadership = Leadership(settings.agent, settings.timing)
        self._mode_choice = ModeChoice(settings.timing)
        self.word = OperatorsWord()
        self._published: ClusterState | None = None
        self.forgetting = Forgetting()
        self._owed: set[str] = set()  # forgotten before its session was emptied
        self._outranked_since: float | None = None
        self._placed: tuple[_Given, Mapping[str, tuple[str, ...]]] | None = None
        self._elsewhere: ClusterState | None = None

    @property
    def state(self) -> ClusterState | None:
        """What the leader last decided, as far as we heard."""
        return self.leadership.state

    def serve(self, manifest: Manifest, digest: str) -> None:
        """From now on this agent serves another bundle."""
        self._edition = Edition(manifest, digest)

    def link_lost(self) -> None:
        self.forgetting.undo()
        self._published = None
        self.word.link_lost()
        self.peers.link_lost()
        self.leadership.link_lost()

    def broker_changed(self) -> None:
        """Who is at this broker we have yet to hear. What was decided at the one before counts
        for the next claim, unless this one knows of something later."""
        self._elsewhere = _later(self.state, self._elsewhere)
        self._mode_choice = ModeChoice(self._settings.timing)
        self.link_lost()
        self._owed.clear()
        self.peers = Peers(self._settings.agent, self._settings.timing)
        self.leadership.broker_changed()

    def seen(self, state: ClusterState, *, retained: bool) -> list[Effect]:
        """A cluster state came round."""
        led = self.leadership.leads
        before = self.state
        if not self.leadership.seen(state, retained=retained):
            return []
        self.word.follow(state)
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
        have heard it before its claim came round, or not at all."""
        self.word.heard(mode)

    def presence(self, presence: Presence, now: float) -> list[Effect]:
        """Another agent's presence came round."""
        self.leadership.rumour(presence)
        changes = self.peers.presence(presence, now)
        if presence.agent not in self.peers:
            return [Note("peer_ignored", {"agent": presence.agent}, problem=True)]
        return notes_of(changes)

    def forget(self, agent: str, *, is_settled: bool) -> None:
        """An agent's presence was removed: it is gone for good, until it says otherwise. What its
        session holds is answered all the same."""
        is_gone = any(peer.presence.agent == agent for peer in self._gone())
        if not is_settled and is_gone and len(self._owed) < _MOST_OWED:
            self._owed.add(agent)
        self.peers.forget(agent)
        self.forgetting.done(agent)

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
            self._mode_choice.reset()
            return []
        if self._gives_way(members, now):
            return []
        return self._update(members, me, load, now)

    def team(self) -> Team:
        """Who hears requests to everyone now, and who of them holds which slot."""
        me, edition = self._settings.agent, self._edition
        hearing = {
            peer.presence.agent: peer.presence
            for peer in self.peers.alive()
            if peer.presence.serving is Mode.HA
        }
        members = tuple(sorted([me, *hearing]))
        working = hearing
        if edition.graph is not None:
            # Here a request cannot do without whoever has heard it and goes to another mode.
            working = {peer.presence.agent: peer.presence for peer in self.peers.alive()}
        placement = self.state.placement if self.state else {}
        holders = {
            slot: tuple(
                agent
                for agent in placement.get(slot, ())
                if agent == me or (agent in working and working[agent].bundle == edition.digest)
            )
            for slot in edition.manifest.slots
        }
        capacities = {
            agent: capacity
            for agent, capacity in (
                (me, self._settings.capacity),
                *((agent, presence.capacity) for agent, presence in working.items()),
            )
            if capacity != 1.0
        }
        is_placed = any(me in agents for agents in placement.values())
        if is_placed and not any(me in agents for agents in holders.values()):
            # The leader serves a bundle of other slots and places those. Until it serves ours,
            # whoever asks us gets what our first slot says.
            first = edition.manifest.slots[0]
            holders[first] = tuple(sorted((*holders[first], me)))
        present = () if edition.graph is None else tuple(sorted([me, *working]))
        return Team(me, edition.manifest, members, holders, capacities, edition.graph, present)

    @property
    def answers_alone(self) -> bool:
        """Whether this device can run a sub-network by itself, with the slots that it holds."""
        graph, me = self._edition.graph, self._settings.agent
        return graph is None or (
            self.state is not None and graph.best(self.state.slots_of(me)) is not None
        )

    def gone(self, now: float) -> tuple[str, ...]:
        """The agents whose sessions we are to empty: all that are not alive, while we lead.

        Nobody just after we connected: where the broker was restarted, all come back one after
        the other, and until then its last word of each is a will.
        """
        if not self.leadership.leads or self.peers.is_new_here(now):
            return ()
        owed = sorted(agent for agent in self._owed if agent not in self.peers)
        return (*(peer.presence.agent for peer in self._gone()), *owed)

    def tidy(self, now: float, *, is_settled: Callable[[str], bool]) -> list[Effect]:
        """While we lead, remove whoever has been gone for long and left nothing behind.

        Asked for once for each: all forget it when that comes round.
        """
        forget_after_s = self._settings.timing.forget_after_s
        self._owed = {
            agent for agent in self._owed if agent not in self.peers and not is_settled(agent)
        }
        if not self.leadership.leads or forget_after_s <= 0:
            self.forgetting.undo()
            return []
        due = self.peers.gone_for(forget_after_s, now)
        return self.forgetting.ask(agent for agent in due if is_settled(agent))

    def _gone(self) -> list[Peer]:
        return [peer for peer in self.peers.known() if not peer.alive]

    def _members(self, me: Presence) -> list[Presence]:
        return sorted(
            [me, *(peer.presence for peer in self.peers.alive())],
            key=lambda presence: presence.agent,
        )

    def _gives_way(self, members: list[Presence], now: float) -> bool:
        """Whether a better one is about to claim: what we publish now could overwrite its claim,
        and would have to be claimed over once more."""
        if min(members, key=rank).agent == self._settings.agent:
            self._outranked_since = None
            return False
        if self._outranked_since is None:
            self._outranked_since = now
        return now - self._outranked_since < self._settings.timing.claim_retry_s

    def _claim(self, members: list[Presence], now: float) -> list[Effect]:
        before = _later(self.state, self._elsewhere)
        term = self.leadership.claim(now)
        claim = ClusterState(
            term=term,
            epoch=0,
            leader=self._settings.agent,
            mode=before.mode if before else Mode.HA,
            operator_mode=self.word.standing(
                before.operator_mode if before else Mode.AUTO, members
            ),
            members=tuple(member.agent for member in members),
            placement=self._place(members),
        )
        self._published = claim
        return [Note("claiming", {"term": term}), RecordTerm(term), PublishCluster(claim)]

    def _update(
        self, members: list[Presence], me: Presence, load: Heartbeat, now: float
    ) -> list[Effect]:
        current = self._published or self.state
        if current is None:
            return []
        operator = self.word.standing(current.operator_mode, members)
        mode = self._mode_choice.choose(
            current.mode,
            operator=operator,
            votes=[member.vote for member in members],
            loads=self._loads(current, me, load),
            now=now,
        )
        placement = self._place(members)
        wanted = replace(
            current,
            mode=mode if self._can_be(mode, members, placement) else Mode.HA,
            operator_mode=operator,
            members=tuple(member.agent for member in members),
            placement=placement,
        )
        if wanted == current:
            return []
        self._published = replace(wanted, epoch=current.epoch + 1)
        return [PublishCluster(self._published)]

    def _can_be(
        self, mode: Mode, members: list[Presence], placement: Mapping[str, tuple[str, ...]]
    ) -> bool:
        """Whether anybody would serve in a mode: in HT each device answers alone, which those
        cannot whose stages read what others yield."""
        edition = self._edition
        if mode is not Mode.HT or edition.graph is None:
            return True
        return any(
            # What one with another bundle can do, it knows itself.
            member.bundle != edition.digest
            or edition.graph.best([s for s, who in placement.items() if member.agent in who])
            for member in members
        )

    def _loads(self, state: ClusterState, me: Presence, load: Heartbeat) -> list[Load]:
        """What each member says of its load, as far as it was heard."""
        heard = [(me, load)]
        heard += [(peer.presence, peer.heartbeat) for peer in self.peers.alive() if peer.heartbeat]
        return [
            Load(
                queue=heartbeat.queue,
                busy=heartbeat.busy,
                bundle=presence.bundle,
                slots=state.slots_of(presence.agent),
                capacity=presence.capacity,
                in_flight=presence.in_flight,
            )
            for presence, heartbeat in heard
        ]

    def _place(self, members: list[Presence]) -> Mapping[str, tuple[str, ...]]:
        before = self._published or self.state
        previous = before.placement if before else {}
        given = (members, previous, self._edition.manifest.slots)
        # Asked at each heartbeat of anybody, and mostly nothing has changed.
        if self._placed is None or self._placed[0] != given:
            placement = place_groups(members, previous, own_slots=given[2])
            self._placed = (given, placement)
        return self._placed[1]


def _later(one: ClusterState | None, other: ClusterState | None) -> ClusterState | None:
    """Which of two states was decided later; terms never go back, at whichever broker."""
    known = [state for state in (one, other) if state is not None]
    return max(known, key=lambda state: (state.term, state.epoch), default=None)


def notes_of(changes: list[HealthChanged]) -> list[Effect]:
    """A log line for each change of health."""
    return [Note(f"peer_{change.health}", {"agent": change.agent}) for change in changes]
