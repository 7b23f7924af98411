"""The requests that this device holds: from their arrival to their acknowledgement.

A request is let go of (acknowledged to the broker) when its reply is confirmed, by us or by the
device that combined it, and never before. This ties the parts together: what is held
(`holdings.py`), how one request moves on (`progress.py`), what others say (`hearsay.py`), and what
may have brought a device down (`attempts.py`).
"""

from edge_agent.core.attempts import Attempts
from edge_agent.core.backlog import Backlog
from edge_agent.core.edition import Edition
from edge_agent.core.effects import Ack, Effect, Note, PublishCondemned, SendDone
from edge_agent.core.events import Computed, ComputeFailed, Request, RequestArrived, Route
from edge_agent.core.hearsay import Hearsay
from edge_agent.core.held import Held
from edge_agent.core.holdings import Holdings
from edge_agent.core.memory import Memory
from edge_agent.core.minimum import expect_known
from edge_agent.core.patience import Patience
from edge_agent.core.progress import Progress
from edge_agent.core.settings import Settings
from edge_agent.core.suspicion import AttemptNotes
from edge_agent.core.team import Team
from edge_agent.core.verdicts import Verdicts
from fluid.messages import Done, Feature, Partial, Unheard


class Ledger:
    """All held requests of one agent."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._timing = settings.timing
        self._memory = Memory(settings.timing.memory_s)
        self._holdings = Holdings(self._memory)
        self._patience = Patience(settings.timing)
        self._attempts = Attempts(settings.agent)
        self.attempt_notes = AttemptNotes()
        self.verdicts = Verdicts(settings.agent)
        self._progress = Progress(
            settings, self._holdings, patience=self._patience, attempts=self._attempts
        )
        self._backlog = Backlog(settings.timing)
        self._hearsay = Hearsay(
            settings,
            self._holdings,
            progress=self._progress,
            patience=self._patience,
            backlog=self._backlog,
        )
        self.compute_ms_total = 0.0

    def __len__(self) -> int:
        return len(self._holdings)

    def knows(self, request: Request) -> bool:
        """Whether this very request, which went to everyone, reached us too, and is held or was
        answered. Of equal requests nobody can tell."""
        if not request.unique:
            return False
        held = self._holdings.get(request.key)
        return (held is not None and held.heard_by_all) or self._memory.was_answered_together(
            request.key
        )

    # What happens to requests.

    def arrived(self, event: RequestArrived, now: float) -> list[Effect]:
        """Hold a request; start to work on it if it is new."""
        # What is sent for the first time comes after all that is sent again; but the window, and
        # with it the order, is of QoS 1 and 2 only.
        is_new = event.request.message.qos > 0 and not event.redelivered
        effects = self._settle() if is_new and not self._attempts.settled else []
        return effects + self._take_in(event, now)

    def _take_in(self, event: RequestArrived, now: float) -> list[Effect]:
        request, together = event.request, event.route is Route.EVERYONE
        # What we combine, we answer ourselves: a notice was of another device's copy.
        if (
            together
            and (request.unique or not self._combines(request.key))
            and self._memory.take_early_done(
                request.key,
                now,
                unique=request.unique,
                may_recur=not request.has_id,
            )
        ):
            return [Ack(event.ack_id)]
        if together and self._is_late_copy(request):
            return [Ack(event.ack_id)]
        held = self._holdings.get(request.key)
        suspect = self._attempts.suspects(request, redelivered=event.redelivered)
        if held is not None:
            self._holdings.add(held, event)
            if not suspect or held.suspect:
                return self._progress.came_again(held, now) if together else []
            held.suspect = True
            return self._look_again(held, now)
        held = self._holdings.take_in(event, now, members=self._progress.team.members)
        held.fault = held.fault or expect_known(self._progress.edition.manifest, request.minimum)
        self._judge(held, suspect=suspect)
        if together:
            self._take_early_partials(held, now)
        return self.say_verdicts() + self._progress.on(held, now)

    def computed(self, event: Computed, now: float) -> list[Effect]:
        """The executor has run our share of a request."""
        self.compute_ms_total += event.compute_ms
        # First of all, as an equal job may be wanted at once.
        effects = self._attempts.finished(event.key)
        held = self._holdings.get(event.key)
        if held is None:
            return effects
        if event.digest != self._progress.edition.digest:
            return effects + self._progress.computed_too_late(held, now)
        self._progress.computed(held, event)
        return effects + self._progress.share_ready(held, now)

    def compute_failed(self, event: ComputeFailed, now: float) -> list[Effect]:
        """The executor found the payload unusable."""
        effects = self._attempts.finished(event.key)
        held = self._holdings.get(event.key)
        if held is None:
            return effects
        if event.digest != self._progress.edition.digest:
            return effects + self._progress.computed_too_late(held, now)
        held.fault = event.fault
        return effects + self._progress.share_ready(held, now)

    def partial(self, partial: Partial, now: float) -> list[Effect]:
        """Another device handed us a share."""
        return self._hearsay.partial(partial, now)

    def feature(self, feature: Feature, now: float) -> list[Effect]:
        """Another device handed us a feature map."""
        return self._hearsay.feature(feature, now)

    def done(self, notice: Done, now: float) -> list[Effect]:
        """Another device has answered these, one delivery of each."""
        return self._hearsay.done(notice, now)

    def unheard(self, notice: Unheard, now: float) -> list[Effect]:
        """A device that we handed shares to never got the requests."""
        return self._hearsay.unheard(notice, now)

    def load(self, agent: str, queue: int) -> None:
        """How many requests another device holds."""
        self._patience.load(agent, queue, ours=len(self._holdings))

    def forget(self, agent: str) -> None:
        """Another device is gone for good."""
        self._patience.forget(agent)
        self._hearsay.forget(agent)

    def confirmed(self, token: int, now: float, *, accepted: bool) -> list[Effect]:
        """The broker has one of our replies."""
        held = self._holdings.take_answered(token)
        if held is None:
            return []
        effects: list[Effect] = []
        if not accepted:
            # The broker will refuse it for ever: holding the request helps nobody.
            fields: dict[str, str | int | float] = {"request": held.request.id}
            effects.append(Note("reply_refused", fields, problem=True))
        if not held.heard_by_all:
            return effects + self._progress.let_go(held, Route.SHARED, now)
        held.answered_by_us()
        effects.append(SendDone(Done((held.request.key,))))
        return effects + self._progress.let_go(held, Route.EVERYONE, now)

    @property
    def holds_back(self) -> bool:
        """Whether a request that comes now could not be run before a suspect is done with."""
        return self._attempts.hold_others_back

    def attempt_confirmed(self, token: int, *, accepted: bool) -> list[Effect]:
        """The broker has one of our attempt notes."""
        return self._attempts.confirmed(token, accepted=accepted)

    # What happens around them.

    def attempt_seen(self, agent: str, keys: tuple[bytes, ...]) -> None:
        """Somebody's attempt note, perhaps our own."""
        if agent == self._settings.agent:
            self._attempts.note_seen(keys)
        else:
            self.attempt_notes.seen(agent, keys)

    def condemned_seen(self, agent: str, keys: tuple[bytes, ...], now: float) -> list[Effect]:
        """Somebody's list of requests that bring devices down: what waits here need not run."""
        self.verdicts.seen(agent, keys)
        effects: list[Effect] = []
        for held in filter(None, map(self._holdings.get, keys)):
            if self.verdicts.on(held.request, suspect=held.suspect) is not None:
                effects += self._look_again(held, now)
        return effects

    def say_verdicts(self) -> list[Effect]:
        """Tell the others which requests we found to bring devices down."""
        keys = self.verdicts.news()
        return [] if keys is None else [PublishCondemned(keys)]

    def snapshot_complete(self) -> None:
        """Everything retained has come."""
        self._attempts.snapshot_complete()

    def link_opened(self) -> None:
        """The connection that requests come by is there, and brings what its session held."""
        self._attempts.session_opened()
        self._backlog.link_opened()

    def served(self, now: float) -> list[Effect]:
        """The broker answered our subscription: after all that the session had in flight, unless
        it has to wait with more of that until we let go of some."""
        # Of stages that read each other nobody gives halves: they wait for each other in any case.
        if self._progress.edition.graph is None:
            window_is_full = self._holdings.deliveries >= self._settings.in_flight
            self._backlog.served(now, window_is_full=window_is_full)
        return [] if self._attempts.are_under_way else self._settle()

    def withdraw(self) -> list[Effect]:
        """We leave in good order."""
        return self._attempts.withdraw()

    def joined(self, now: float) -> None:
        """From now on, requests to every device reach us too."""
        self._memory.forget_early_done(now)

    def link_lost(self) -> list[Effect]:
        """The connection that the requests came by is gone; the broker will send them again."""
        self._holdings.clear()
        self._backlog.link_lost()
        return self._attempts.session_lost()

    def serve(self, edition: Edition, team: Team, now: float) -> list[Effect]:
        """Answer with another bundle from now on; what is not answered yet starts afresh.

        team: the members, as those see them who serve that bundle.
        """
        self._progress.serve(edition, team)
        waiting = self._attempts.take_back()
        for held in self._holdings:
            held.start_afresh()
            if held.request.key in waiting:
                held.computing = False
            held.fault = held.fault or expect_known(edition.manifest, held.request.minimum)
            self._judge(held, suspect=held.suspect)
            if held.together:
                self._take_early_partials(held, now)
        return self._progress.all_on(now)

    def broker_changed(self) -> list[Effect]:
        """At another broker, what was said of requests at the one before proves nothing: an
        answer that it had may have been lost with it."""
        self._memory.clear()
        self.attempt_notes.clear()
        self.verdicts.broker_changed()
        return self.link_lost() + self._attempts.broker_changed()

    def team_changed(self, team: Team, now: float) -> list[Effect]:
        """Members came or went: hand our shares to whoever combines now."""
        if team == self._progress.team:
            return []
        self._progress.team = team
        for held in self._holdings:
            if held.combiner is not None and not team.is_there(held.combiner):
                held.combiner = None
            if held.flow is not None:
                held.flow.team_changed(team)
        return self._progress.all_on(now)

    def control_lost(self) -> list[Effect]:
        """Nothing can be said to anybody, or heard, for the moment."""
        # What is retained comes again, but not that a note was cleared meanwhile: it would condemn
        # what its agent has in hand the next time that it goes down.
        self.attempt_notes.clear()
        self.verdicts.link_lost()
        return self._attempts.link_lost()

    def control_opened(self, now: float) -> list[Effect]:
        """The control link is there, perhaps for the first time."""
        self.verdicts.link_opened()
        return self._attempts.link_opened() + self.hand_over_again(now)

    def hand_over_again(self, now: float) -> list[Effect]:
        """What we said on the former control link may not have arrived."""
        for held in self._holdings:
            held.combiner = None
            if held.flow is not None:
                held.flow.link_opened()
        return self._progress.all_on(now)

    def expire(self, now: float) -> list[Effect]:
        """Answer whatever has waited for others long enough."""
        effects: list[Effect] = []
        for deadline, key in self._holdings.deadlines.due(now):
            held = self._holdings.get(key)
            if held is not None:
                effects += self._progress.due(held, deadline, now)
        after_s = self._timing.stale_partial_s
        effects += self._hearsay.look_into_stale_partials(now, after_s=after_s)
        self._memory.expire(now)
        return effects

    def next_deadline(self) -> float | None:
        ours, theirs = self._holdings.deadlines.next(), self._hearsay.next_deadline()
        if ours is None or theirs is None:
            return theirs if ours is None else ours
        return min(ours, theirs)

    def _is_late_copy(self, request: Request) -> bool:
        """Whether an adopter published again what has its answer, for want of knowing better. It
        is another thing if its client sends it again: that has not got the answer."""
        was_answered = self._memory.was_answered_together(request.key)
        return request.unique and request.handovers > 0 and was_answered

    def _settle(self) -> list[Effect]:
        return self._attempts.settle([held.request.key for held in self._holdings])

    def _judge(self, held: Held, *, suspect: bool) -> None:
        """Note whether a request may have brought devices down, and whether that is enough."""
        fault = self._attempts.condemns(held.request) if suspect else None
        if fault is not None:
            self.verdicts.condemn(held.request)
        else:
            fault = self.verdicts.on(held.request, suspect=suspect)
        held.suspect = suspect or fault is not None
        held.fault = held.fault or fault

    def _look_again(self, held: Held, now: float) -> list[Effect]:
        """Something is known of a request that was not when it came: it does not run, or runs as a
        suspect, if the executor does not have it yet."""
        if held.fault is not None or held.token is not None:
            return []
        held.fault = self.verdicts.on(held.request, suspect=held.suspect)
        effects: list[Effect] = []
        if self._attempts.is_waiting(held.request.key):
            held.computing = False
            effects = self._attempts.take_out(held.request.key)
        return effects + self._progress.on(held, now)

    def _combines(self, key: bytes) -> bool:
        team = self._progress.team
        return team.combiner(key, team.members) == self._settings.agent

    def _take_early_partials(self, held: Held, now: float) -> None:
        """Add the shares that came before their request, or before the bundle they are of."""
        for partial in self._memory.take_early_partials(held.request.key):
            if not partial.is_of_bundle(self._progress.edition.digest):
                self._memory.keep_early_partial(partial, now)
            elif isinstance(partial, Feature):
                self._progress.take_map(held, partial)
            elif self._progress.contribute(held, partial):
                self._backlog.shared()
