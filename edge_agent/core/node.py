"""One agent's decisions: `step(event, now) -> effects`, and when to be woken next.

Only ties the parts together; each decision lives in the part that owns it. `now` is monotonic,
in seconds, and never goes back.
"""

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.core.adoption import Adoptions
from edge_agent.core.cluster import Cluster, notes_of
from edge_agent.core.edition import Edition
from edge_agent.core.effects import Effect
from edge_agent.core.events import Event, LinkName
from edge_agent.core.identity import Claim, Identity
from edge_agent.core.ledger import Ledger
from edge_agent.core.links import Links
from edge_agent.core.pulse import Pulse
from edge_agent.core.serving import Serving
from edge_agent.core.settings import Settings
from edge_agent.core.voice import Voice
from fluid.bus import CloseReason
from fluid.messages import ClusterState, Heartbeat, Mode, Presence

EXIT_REFUSED = 3
EXIT_DUPLICATE = 4


class Node:
    """The state machine of one agent. Not thread-safe: one thread owns it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._identity = Identity(settings.timing)
        self._links = Links(settings.timing, settings.brokers)
        self._cluster = Cluster(settings)
        self._serving = Serving(settings.timing)
        self._pulse = Pulse(settings.agent, settings.timing)
        self._ledger = Ledger(settings)
        self._adoptions = Adoptions(
            knows=self._ledger.knows,
            notes=self._ledger.attempt_notes,
            verdicts=self._ledger.verdicts,
        )
        self._voice = Voice(settings, self._identity, cluster=self._cluster, serving=self._serving)
        self._leave_by: float | None = None
        self._return_to: int | None = None  # the broker, where leaving is not for good
        self._gone = False
        self._settle_at = 0.0

    # What the outside may look at.

    @property
    def cluster_state(self) -> ClusterState | None:
        return self._cluster.state

    @property
    def leads(self) -> bool:
        return self._cluster.leadership.leads

    @property
    def serving_mode(self) -> Mode | None:
        return self._serving.mode

    @property
    def held_requests(self) -> int:
        return len(self._ledger)

    @property
    def holds_back(self) -> bool:
        """Whether a request that comes now could not be run before a suspect is done with."""
        return self._ledger.holds_back

    def step(self, event: Event, now: float) -> tuple[Effect, ...]:
        """Take in what happened; returns what to do, in order."""
        effects = self._inference(event, now)
        if effects is None:
            effects = self._control(event, now)
            effects += self._settle(now)
        # A shell that is busy with requests has no time to tick; and who leaves waits for them.
        elif now >= self._settle_at or self._leave_by is not None:
            effects += self._settle(now)
        elif now >= self.next_deadline():
            return (*effects, *self._ledger.expire(now))
        else:
            return tuple(effects)
        # Kept, because a deadline that has passed is no longer among the next ones.
        self._settle_at = self._next_settling(now)
        return tuple(effects)

    def next_deadline(self) -> float:
        """When to step with `Tick` if nothing else happens before."""
        of_requests = self._ledger.next_deadline()
        return self._settle_at if of_requests is None else min(self._settle_at, of_requests)

    def _next_settling(self, now: float) -> float:
        """When to look at the cluster's own affairs; requests come and go without them."""
        times = (
            self._pulse.next_deadline(now),
            self._cluster.peers.next_deadline(now),
            self._links.next_deadline(now),
            self._serving.next_deadline(),
            self._adoptions.next_deadline(),
            self._identity.next_deadline(now),
            self._leave_by,
        )
        return min(at for at in times if at is not None)

    def _inference(  # noqa: PLR0911 - a dispatch table in match form
        self, event: Event, now: float
    ) -> list[Effect] | None:
        """The inner path of a request; None if the event is not of it."""
        match event:
            case seen.RequestArrived():
                return self._ledger.arrived(event, now)
            case seen.Computed():
                return self._ledger.computed(event, now)
            case seen.ReplyConfirmed(token, accepted):
                return self._ledger.confirmed(token, now, accepted=accepted)
            case seen.ComputeFailed():
                return self._ledger.compute_failed(event, now)
            case seen.PartialSeen(partial):
                return self._ledger.partial(partial, now)
            case seen.FeatureSeen(feature):
                return self._ledger.feature(feature, now)
            case seen.DoneSeen(notice):
                return self._ledger.done(notice, now)
            case seen.UnheardSeen(notice):
                return self._ledger.unheard(notice, now)
            case _:
                return self._suspicion(event, now)

    def _suspicion(self, event: Event, now: float) -> list[Effect] | None:
        """What is known of requests that bring devices down; None if the event is not of it."""
        match event:
            case seen.AttemptConfirmed(token, accepted):
                return self._ledger.attempt_confirmed(token, accepted=accepted)
            case seen.AttemptSeen(agent, keys):
                self._ledger.attempt_seen(agent, keys)
                return []
            case seen.CondemnedSeen(agent, keys):
                return self._ledger.condemned_seen(agent, keys, now)
            case _:
                return None

    def _control(  # noqa: C901, PLR0911, PLR0912 - a dispatch table in match form
        self, event: Event, now: float
    ) -> list[Effect]:
        """The cluster's own affairs."""
        match event:
            case seen.Started(incarnation):
                self._identity.start(incarnation)
                return []
            case seen.LinkOpened(link):
                return self._link_opened(link, now)
            case seen.LinkClosed():
                return self._link_closed(event, now)
            case seen.BrokerProbed():
                return self._broker_probed(event, now)
            case seen.Served(route):
                return self._route_served(route, now)
            case seen.ServeRefused(route):
                self._serving.refused(route, now)
                return []
            case seen.PresenceSeen(presence):
                return self._presence_seen(presence, now)
            case seen.PresenceCleared(agent):
                self._presence_cleared(agent)
                return []
            case seen.ForgetConfirmed(token, accepted):
                return self._cluster.forgetting.confirmed(token, accepted=accepted)
            case seen.HeartbeatSeen(heartbeat):
                return self._heartbeat_seen(heartbeat, now)
            case seen.TermSeen(term):
                self._cluster.leadership.claimed_before(term)
                return []
            case seen.ClusterSeen(state, retained):
                return self._cluster.seen(state, retained=retained)
            case seen.ModeWished(mode):
                self._cluster.wish(mode)
                return []
            case seen.Worked(total_ms):
                self._pulse.worked(total_ms, now)
                return []
            case seen.StrayArrived(ack_id):
                return [do.Ack(ack_id)]
            case seen.BundleLoaded(manifest, digest):
                return self._switch_bundle(Edition(manifest, digest), now)
            case seen.LeaveRequested():
                return self._leave(now)
            case _:
                return self._adoptions.heard(event, now)

    # Links.

    def _link_opened(self, link: LinkName, now: float) -> list[Effect]:
        is_elsewhere = self._links.is_elsewhere
        effects: list[Effect] = [*self._links.opened(link, now)]
        if link is LinkName.INFER:
            self._ledger.link_opened()
            return effects + self._serving.link_opened()
        if is_elsewhere:
            effects += self._give_up_broker(now)
        return effects + self._ledger.control_opened(now)

    def _route_served(self, route: seen.Route, now: float) -> list[Effect]:
        self._serving.served(route)
        if route is seen.Route.EVERYONE:
            self._ledger.joined(now)
        return self._ledger.served(now)

    def _link_closed(self, event: seen.LinkClosed, now: float) -> list[Effect]:
        link = event.link
        ending = self._links.closed(event, now)
        effects: list[Effect] = []
        if link is LinkName.INFER:
            self._serving.link_lost()
            effects += self._ledger.link_lost()
        else:
            effects += self._ledger.control_lost()
            self._cluster.link_lost()
            self._pulse.stop()
            self._voice.hush()
        if self._leave_by is not None:
            if self._return_to is not None and link is LinkName.CONTROL:
                self._leave_by = now  # there is nobody left to take leave of
            return effects
        if ending.hopeless:
            return [do.Exit(EXIT_REFUSED, ending.hopeless)]
        if ending.unwelcome:
            effects += self._go_to(None, now)
        if event.reason is not CloseReason.REQUESTED:
            effects.append(ending.note)
        return effects

    def _open_links(self, now: float) -> list[Effect]:
        effects: list[Effect] = []
        if self._leave_by is not None or not self._identity.started:
            return effects
        if self._links.due(LinkName.CONTROL, now):
            self._links.opening(LinkName.CONTROL)
            incarnation = self._identity.next_incarnation()
            probe = self._pulse.load(len(self._ledger), incarnation)
            boot, broker = self._identity.boot, self._links.broker
            effects.append(do.OpenControl(boot, self._voice.farewell(), probe, broker))
        # A resumed session brings requests at once, so it waits until we know what to run; and
        # until the name is ours, because it takes the session from whoever has it.
        # And until the others know that we are there: else nobody would look after the session.
        ready = self._placed() and self._voice.was_heard
        if ready and self._links.due(LinkName.INFER, now):
            self._links.opening(LinkName.INFER)
            effects.append(do.OpenInfer())
        return effects

    # Brokers. All links are at one of them, and so is all that we know of the others.

    def _give_up_broker(self, now: float) -> list[Effect]:
        """Let go of all that we have and know at the broker we were at, but the control link."""
        effects = self._adoptions.update((), marker="", now=now)
        self._identity.broker_changed()
        self._cluster.broker_changed()
        self._serving.link_lost()
        effects += self._ledger.broker_changed()
        self._pulse.stop()
        self._voice.hush()
        self._links.dropped(LinkName.INFER)
        return [*effects, do.DropLink(LinkName.INFER)]

    def _go_to(self, broker: int | None, now: float) -> list[Effect]:
        """Leave this broker for another; None: for the next one, as this one is of no use."""
        farewell = do.PublishPresence(self._voice.farewell())
        effects = [farewell, *self._give_up_broker(now), do.DropLink(LinkName.CONTROL)]
        self._links.dropped(LinkName.CONTROL)
        if broker is None:
            self._links.forsake()
        else:
            self._links.move_to(broker)
        return effects

    def _leave_if_deaf(self, now: float) -> list[Effect]:
        """Where there are other brokers, do not wait for TCP to find out that this one is dead: a
        host that lost its power closes no connection."""
        is_deaf = self._pulse.unanswered_s >= self._settings.timing.deaf_s
        if not is_deaf or self._settings.brokers == 1 or self._leave_by is not None:
            return []
        fields: dict[str, str | int | float] = {"broker": self._links.broker}
        return [do.Note("broker_silent", fields, problem=True), *self._go_to(None, now)]

    def _probe_brokers(self, now: float) -> list[Effect]:
        if self._leave_by is not None:
            return []
        boot = self._identity.boot
        return [do.ProbeBroker(broker, boot) for broker in self._links.take_due_probes(now)]

    def _broker_probed(self, event: seen.BrokerProbed, now: float) -> list[Effect]:
        """Return to a broker that we prefer, in the same good order in which we would end."""
        broker = self._links.probed(event.broker, answered=event.answered)
        if broker is None or self._leave_by is not None:
            return []
        self._return_to = broker
        self._leave_by = now + self._settings.timing.leave_s
        return [do.Note("returning", {"broker": broker, "held": len(self._ledger)})]

    # Presence.

    def _presence_seen(self, presence: Presence, now: float) -> list[Effect]:
        if presence.agent != self._settings.agent:
            return self._cluster.presence(presence, now)
        if self._leave_by is not None:
            return []
        match self._identity.presence_seen(presence, now):
            case Claim.SPEAK:
                self._voice.hush()
            case Claim.OUTBID:
                return [do.CloseLink(LinkName.CONTROL)]
            case Claim.NOTHING:
                pass
        return []

    def _presence_cleared(self, agent: str) -> None:
        if agent == self._settings.agent:
            # Somebody tidied up too much. Newcomers would not see us: say it again.
            self._voice.hush()
        else:
            self._cluster.forget(agent, is_settled=self._adoptions.is_settled(agent))
            self._ledger.forget(agent)

    def _heartbeat_seen(self, heartbeat: Heartbeat, now: float) -> list[Effect]:
        if heartbeat.agent != self._settings.agent:
            if heartbeat.agent in self._cluster.peers:
                self._ledger.load(heartbeat.agent, heartbeat.queue)
            return notes_of(self._cluster.peers.heartbeat(heartbeat, now))
        if self._identity.is_taken(heartbeat):
            message = (
                f"an agent with the id '{heartbeat.agent}' is online already; "
                "give each agent an --id of its own"
            )
            return [do.Exit(EXIT_DUPLICATE, message)]
        if heartbeat.incarnation == self._identity.incarnation:
            self._identity.snapshot_complete()
            self._ledger.snapshot_complete()
            self._pulse.came_back()
            return notes_of(self._cluster.peers.heartbeat(heartbeat, now))
        return []

    def _say_presence(self, now: float) -> list[Effect]:
        """Publish our presence if it changed, or for the first time on this connection."""
        presence = self._voice.news()
        if presence is None or not self._may_speak(now):
            return []
        if not self._voice.was_heard:
            self._pulse.start(now)
        self._voice.spoken(presence)
        self._identity.spoken()
        return [do.PublishPresence(presence)]

    def _may_speak(self, now: float) -> bool:
        return self._links.is_open(LinkName.CONTROL) and self._identity.may_speak(now)

    # After every event of the cluster.

    def _settle(self, now: float) -> list[Effect]:
        """Draw the consequences, in an order in which none waits for the next event."""
        if self._gone:
            return []
        effects = self._cluster.judge(now)
        effects += self._leave_if_deaf(now)
        if self._leave_by is None and self._identity.outbids(now):
            effects.append(do.CloseLink(LinkName.CONTROL))
        effects += self._say_presence(now)
        effects += self._open_links(now)
        effects += self._probe_brokers(now)
        if self._may_speak(now) and self._leave_by is None:
            load = self._pulse.load(len(self._ledger), self._identity.incarnation)
            decisions = self._cluster.decide(self._voice.presence(), load, now)
            # A term is in our presence before we claim it.
            effects += [*self._say_presence(now), *decisions]
        effects += self._follow(now)
        effects += self._adopt(now)
        effects += self._ledger.say_verdicts()
        effects += self._pulse.beat(
            now,
            queue=len(self._ledger),
            compute_ms_total=self._ledger.compute_ms_total,
            incarnation=self._identity.incarnation,
        )
        effects += self._ledger.expire(now)
        return effects + self._finish_leaving(now)

    def _follow(self, now: float) -> list[Effect]:
        """Serve what the cluster state says, and tell the others what we hear."""
        effects: list[Effect] = []
        state = self._cluster.state
        link_open = self._links.is_open(LinkName.INFER)
        if self._leave_by is not None:
            effects += self._serving.want(None, link_open=link_open)
        elif state is not None and self._placed():
            mode = None if self._stands_by(state) else state.mode
            effects += self._serving.want(mode, link_open=link_open)
        effects += self._serving.ask_again(now)
        effects += self._say_presence(now)
        effects += self._serving.leave_others()
        return effects + self._ledger.team_changed(self._cluster.team(), now)

    def _placed(self) -> bool:
        state = self._cluster.state
        return state is not None and bool(state.slots_of(self._settings.agent))

    def _stands_by(self, state: ClusterState) -> bool:
        """Whether we serve nothing: in HT each device answers alone, and our stages read what
        others yield."""
        return state.mode is Mode.HT and not self._cluster.answers_alone

    def _adopt(self, now: float) -> list[Effect]:
        # What is published again must find somebody, so it waits until we serve, or others do.
        state = self._cluster.state
        stands_by = state is not None and self._stands_by(state)
        able = self._leave_by is None and (self._serving.mode is not None or stands_by)
        gone = self._cluster.gone(now) if able else ()
        marker = f"{self._settings.agent}.{self._identity.incarnation}"
        is_deaf = self._cluster.peers.stalled(now)
        effects = self._adoptions.update(gone, marker=marker, now=now, is_deaf=is_deaf)
        return effects + self._cluster.tidy(now, is_settled=self._adoptions.is_settled)

    # The bundle.

    def _switch_bundle(self, edition: Edition, now: float) -> list[Effect]:
        """Serve another bundle from now on. Our presence says so before any share of it does:
        a share has to be computed first."""
        if edition.digest == self._voice.edition.digest:
            return []
        self._voice.edition = edition
        self._cluster.serve(edition.manifest, edition.digest)
        fields: dict[str, str | int | float] = {
            "bundle": edition.manifest.name,
            "digest": edition.digest[:12],
            "held": len(self._ledger),
        }
        return [
            do.RunBundle(edition.digest),
            do.Note("bundle_switched", fields),
            *self._ledger.serve(edition, self._cluster.team(), now),
        ]

    # Leaving.

    def _leave(self, now: float) -> list[Effect]:
        if self._leave_by is None or self._return_to is not None:
            self._return_to = None
            self._leave_by = now + self._settings.timing.leave_s
            return [do.Note("leaving", {"held": len(self._ledger)})]
        return []

    def _finish_leaving(self, now: float) -> list[Effect]:
        """Once nothing is held, say goodbye. What was not taken up lies in our session, for the
        leader to hand to the others."""
        if self._leave_by is None or (len(self._ledger) and now < self._leave_by):
            return []
        if (broker := self._return_to) is not None:
            self._return_to = self._leave_by = None
            return [*self._go_to(broker, now), *self._open_links(now)]
        self._gone = True
        return [
            *self._ledger.withdraw(),
            do.PublishPresence(self._voice.farewell()),
            do.CloseLink(LinkName.INFER),
            do.CloseLink(LinkName.CONTROL),
            do.Exit(0),
        ]
