"""What other devices say about requests: their shares, that one was answered, or never came.

What they say may be ahead of the request, or about one that never reaches us: the first is
remembered until it comes, the second is looked into and answered.
"""

from edge_agent.core.backlog import Backlog
from edge_agent.core.effects import Effect, SendDone, SendPartials, SendUnheard
from edge_agent.core.events import Route
from edge_agent.core.held import Held
from edge_agent.core.holdings import Holdings
from edge_agent.core.patience import Patience
from edge_agent.core.progress import Progress
from edge_agent.core.settings import Settings
from edge_agent.core.team import rendezvous
from fluid.messages import Done, Feature, Partial, Unheard

_LOOK_EVERY_S = 0.05


class Hearsay:
    """The inner path's messages of other devices, applied to what is held."""

    def __init__(
        self,
        settings: Settings,
        holdings: Holdings,
        *,
        progress: Progress,
        patience: Patience,
        backlog: Backlog,
    ) -> None:
        self._settings = settings
        self._holdings = holdings
        self._timing = settings.timing
        self._memory = holdings.memory
        self._progress = progress
        self._patience = patience
        self._backlog = backlog
        self._look_again_at = 0.0
        # When a share of each sender last came in its turn, of what was here before it.
        self._caught_up: dict[str, float] = {}

    def forget(self, agent: str) -> None:
        """Another device is gone for good."""
        self._caught_up.pop(agent, None)

    def partial(self, partial: Partial, now: float) -> list[Effect]:
        """Another device handed us a share."""
        held = self._holdings.get(partial.key)
        of_ours = partial.is_of_bundle(self._progress.edition.digest)
        # What is of another bundle is of use if that is the one that we serve next. And whoever
        # sent it has to be told if the request never reached us.
        if held is None or not held.together or not of_ours:
            if self._memory.was_answered_together(partial.key):
                self._patience.heard(partial.sender)  # late, but of what we heard as well
            self._memory.keep_early_partial(partial, now)
            return []
        self._patience.heard(partial.sender)
        self._backlog.shared()
        if not self._progress.contribute(held, partial):
            return []
        if self._came_in_turn(held):
            self._caught_up[partial.sender] = now
        if held.combiner in (None, self._settings.agent, partial.sender):
            return self._progress.on(held, now)
        # Its sender believes that we combine; the device that we handed our own share to does.
        return [SendPartials(held.combiner, (partial,))]

    def feature(self, feature: Feature, now: float) -> list[Effect]:
        """Another device handed us a feature map."""
        held = self._holdings.get(feature.key)
        of_ours = feature.is_of_bundle(self._progress.edition.digest)
        if held is None or not held.together or not of_ours:
            if self._memory.was_answered_together(feature.key):
                self._patience.heard(feature.sender)
            self._memory.keep_early_partial(feature, now)
            return []
        self._patience.heard(feature.sender)
        if not self._progress.take_map(held, feature):
            return self._progress.came_known(held, feature, now)
        if feature.in_turn:
            self._caught_up[feature.sender] = now
        return self._progress.on(held, now)

    def done(self, notice: Done, now: float) -> list[Effect]:
        """Another device has answered these, one delivery of each."""
        effects: list[Effect] = []
        for key in notice.keys:
            held = self._holdings.get(key)
            # Of equal requests, it is of the next one that comes if nobody else has those here.
            is_ahead = held is not None and not held.request.unique and held.all_are_unshared
            if held is not None and held.heard_by_all and not is_ahead:
                effects += self._answered_elsewhere(held, now)
            # Two devices may have answered the same delivery: the second notice must not be
            # taken for the answer to the next equal request.
            elif not notice.settled and not self._memory.was_answered_together(key):
                self._memory.keep_early_done(key, now)
        return effects

    def _answered_elsewhere(self, held: Held, now: float) -> list[Effect]:
        combiner = held.combiner or self._progress.team.combiner(held.request.key, held.hearers)
        # Whoever combines a request answers it, whatever others say: with equal requests it
        # could not be told which of them they mean.
        ours = combiner == self._settings.agent
        if held.token is not None or (ours and not held.request.unique):
            return []
        if not ours:
            self._patience.heard(combiner)
        return self._progress.let_go(held, Route.EVERYONE, now)

    def unheard(self, notice: Unheard, now: float) -> list[Effect]:
        """A device that we handed shares to, or wait for, never got the requests: go on without."""
        effects: list[Effect] = []
        for key in notice.keys:
            held = self._holdings.get(key)
            if held is not None and self._progress.relies_on(held, notice.sender):
                if self._backlog.is_being_worked_off(now):
                    self._patience.missed((notice.sender,))
                effects += self._progress.without(held, notice.sender, now, has_it=False)
        return effects

    def look_into_stale_partials(self, now: float, *, after_s: float) -> list[Effect]:
        """Tell those who handed us a share why we do not answer."""
        # Asked again and again under load, when there is much to go through.
        if now < self._look_again_at:
            return []
        self._look_again_at = now + _LOOK_EVERY_S
        effects: list[Effect] = []
        if settled := self._memory.take_settled(now, after_s=after_s):
            effects.append(SendDone(Done(settled, settled=True)))
        unheard = self._never_heard(now, after_s)
        if not self._backlog.hears_all(now):
            for sender in set(unheard.values()):
                self._patience.missed((sender,))
        unheard |= self._sent_before_our_time(now, after_s)
        if unheard:
            effects.append(SendUnheard(Unheard(self._settings.agent, tuple(unheard))))
        return effects

    def next_deadline(self) -> float | None:
        """When there is something to look into, if it does not come before."""
        oldest = self._memory.oldest_partial_at()
        if oldest is None:
            return None
        return max(oldest + self._timing.stale_partial_s, self._look_again_at)

    def _sent_before_our_time(self, now: float, after_s: float) -> dict[bytes, str]:
        """Requests that were answered for us before we listened, and who handed us a share of
        each. They say nothing of what is sent from now on."""
        # With nothing left to do, we have heard all there is.
        if self._is_at_rest(now - after_s):
            return self._of_our_bundle(self._memory.take_unheard(now, after_s=after_s))
        # Every session has the requests in one order. So what a sender handed us before a share of
        # something that we had already has been sent to us before, or never will be.
        overtaken = self._memory.take_overtaken(now, after_s=after_s, caught_up=self._caught_up)
        return self._of_our_bundle(overtaken)

    def _never_heard(self, now: float, after_s: float) -> dict[bytes, str]:
        """Requests that others have and we do not, while we have requests that they have not, and
        who handed us a share of each."""
        # A sender whose share we wait for has not come to what we hold: what it hands us is from
        # before our time, or what we hold is from before its own.
        awaited = self._awaited_since(now - after_s)
        # While our session still brings what it held, it may yet bring this. If it brings nothing
        # for so long that others have had their say, we are stuck with each other.
        is_quiet = now - self._holdings.last_arrival > 2 * after_s
        if self._backlog.is_being_worked_off(now) and not is_quiet:
            awaited = set()
        unheard = self._memory.take_unheard(now, after_s=after_s, senders=awaited)
        # The same where we wait for its answer, and it waits for ours. An answer may take its
        # time, so it is not so sure: long enough that all was handed over again.
        long_s = 2 * self._timing.handover_s
        deaf = self._answering_since(now - long_s)
        unheard |= self._memory.take_unheard(now, after_s=long_s, senders=deaf)
        # More of them that wait for each other in a circle would wait for ever.
        unheard |= self._memory.take_unheard(now, after_s=self._timing.memory_s)
        return self._of_our_bundle(unheard)

    def _came_in_turn(self, held: Held) -> bool:
        """Whether a share that came for the first time was sent when its sender came to it.

        What another device combines we are handed later, as a hint or because that device is gone;
        and suspects have to wait.
        """
        team, key = self._progress.team, held.request.key
        first = rendezvous(key, held.expected, team.capacities)
        return first == self._settings.agent and not held.suspect

    def _is_at_rest(self, since: float) -> bool:
        """Whether nothing more can come: nothing has for a while although there is room, and all
        that is held waits for others."""
        has_room = self._holdings.deliveries < self._settings.in_flight
        quiet = self._holdings.last_arrival <= since
        return has_room and quiet and all(held.idle for held in self._holdings)

    def _of_our_bundle(self, shares: dict[bytes, str]) -> dict[bytes, str]:
        """Those whose requests we do not hold. A share that waits beside its request is of another
        bundle."""
        return {key: sender for key, sender in shares.items() if not self._holds_together(key)}

    def _holds_together(self, key: bytes) -> bool:
        held = self._holdings.get(key)
        return held is not None and held.together

    def _answering_since(self, moment: float) -> set[str]:
        """Who has our shares, for requests that have been here since then."""
        return {
            held.combiner
            for held in self._holdings
            if held.combiner not in (None, self._settings.agent) and held.arrived_at <= moment
        }

    def _awaited_since(self, moment: float) -> set[str]:
        """Whose shares we wait for, for requests that have been here since then."""
        return {
            agent
            for held in self._holdings
            if held.combiner in (None, self._settings.agent) and held.arrived_at <= moment
            for agent in self._progress.awaited(held)
        }
