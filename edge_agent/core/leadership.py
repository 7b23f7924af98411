"""Who leads: the best online agent by (priority, id), fenced by terms.

The broker orders all messages of `<base>/cluster` alike for everyone who hears them, so the
first claim of a term that comes round is that term's leader. A retained claim was made before
we listened and proves nothing about its author, ourselves included: it only raises the term.

The retained state may lag: a leader that does not know yet that it was followed by another can
overwrite it. So every agent's presence says the highest term that it knows and whom it follows.
And presences are overwritten by last wills, which are as old as their connections. So a claimant
first records its term, retained, where nobody else writes: whoever starts later knows it.
"""

from enum import Enum, auto

from edge_agent.core.settings import Timing
from fluid.messages import ClusterState, Presence


class Standing(Enum):
    FOLLOWER = auto()
    CANDIDATE = auto()  # our claim is on its way; whether it comes round first will show
    LEADER = auto()


def rank(presence: Presence) -> tuple[int, str]:
    """Lower is better: high priority first, then the smaller id."""
    return (-presence.priority, presence.agent)


class Leadership:
    """The election as one agent sees it."""

    def __init__(self, me: str, timing: Timing) -> None:
        self._me = me
        self._timing = timing
        self.standing = Standing.FOLLOWER
        self.state: ClusterState | None = None
        self._epoch = -1  # of the state, on this connection
        self._highest_term = 0
        self._claimed_term = 0
        self._claimed_at: float | None = None

    @property
    def leads(self) -> bool:
        return self.standing is Standing.LEADER

    @property
    def contested(self) -> bool:
        """Whether another's claim hides ours: the term has to be raised to settle it."""
        return self.leads and self._highest_term > self._claimed_term

    @property
    def highest_term(self) -> int:
        """The highest term that we know of, claimed by whomever."""
        return self._highest_term

    @property
    def leader_of_highest_term(self) -> str:
        """Whom we follow in that term; "" while its claim has not come round to us."""
        if self.state is None or self.state.term < self._highest_term:
            return ""
        return self.state.leader

    def claimed_before(self, term: int) -> None:
        """That term was claimed by somebody: who claims now, claims a higher one."""
        self._highest_term = max(self._highest_term, term)

    def rumour(self, presence: Presence) -> None:
        """What another says of terms and leaders, in its presence."""
        self._highest_term = max(self._highest_term, presence.term)
        follows_another = presence.leader not in ("", self._me)
        if self.leads and presence.term == self._claimed_term and follows_another:
            self._raise_over_rival()

    def link_lost(self) -> None:
        """Without the broker nobody leads, and a claim that was on its way is void."""
        self.standing = Standing.FOLLOWER
        self._claimed_term = 0
        # A broker that forgot lets a leader claim its term once more, and count anew.
        self._epoch = -1

    def broker_changed(self) -> None:
        """Nothing has been heard at this broker yet. Terms go on: no number is used twice."""
        self.link_lost()
        self.state = None
        self._claimed_at = None

    def seen(self, state: ClusterState, *, retained: bool) -> bool:
        """A state came round; returns whether it is now the one to follow."""
        ours = state.leader == self._me
        if self._is_stale(state):
            # One of ours may be of another process under our name, which was cut off.
            if self.leads and (not ours or state.term < self._claimed_term):
                self._raise_over_rival()
            return False
        self._highest_term = max(self._highest_term, state.term)
        self.state, self._epoch = state, state.epoch
        if not ours:
            self.standing = Standing.FOLLOWER
        elif not retained and state.term == self._claimed_term:
            self.standing = Standing.LEADER
        return True

    def should_claim(self, best: Presence, now: float) -> bool:
        """Whether to claim now, given the best online agent (it may be us)."""
        if best.agent != self._me:
            return False
        # Two that do not hear of each other must not answer claim with claim without a pause.
        pause_s = (
            self._timing.claim_retry_s
            if self.standing is Standing.CANDIDATE
            else self._timing.claim_gap_s
        )
        if self._claimed_at is not None and now - self._claimed_at < pause_s:
            return False
        return not self.leads or self.contested

    def claim(self, now: float) -> int:
        """Become a candidate; returns the term to claim."""
        self._claimed_term = self._highest_term = self._highest_term + 1
        self._claimed_at = now
        self.standing = Standing.CANDIDATE
        return self._claimed_term

    def _raise_over_rival(self) -> None:
        """Another's claim hides ours from some, or from newcomers: only a new term settles it."""
        self._highest_term = max(self._highest_term, self._claimed_term + 1)

    def _is_stale(self, state: ClusterState) -> bool:
        known = self.state
        if known is None or state.term > known.term:
            return False
        if state.term < known.term:
            return True
        # One term, two claims: the first that came round has it.
        return state.leader != known.leader or state.epoch < self._epoch
