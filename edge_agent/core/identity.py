"""Our name: that nobody else goes by it, and the incarnation that we go by.

Each connection of the control link has an incarnation of its own, higher than the one before,
because the last will of a connection can arrive after the next connection's presence.

Whoever starts under a name listens before it speaks: where a retained presence says that the
name is online, its heartbeats tell within `suspect_after_s` whether that is still so. Then the
newcomer ends, and the one that serves is not disturbed.
"""

from enum import Enum, auto

from edge_agent.core.settings import Timing
from fluid.messages import AgentState, Heartbeat, Presence

# The lowest bits of an incarnation are those of its process's boot: two processes under one name,
# which outbid each other, must not arrive at the same number.
_TAG_BITS = 16
# So many heartbeats in a row of a rival show that it lives.
_PROOF_BEATS = 3


class Claim(Enum):
    """What a presence under our name asks of us."""

    NOTHING = auto()
    SPEAK = auto()  # it hides ours from newcomers: publish ours again
    OUTBID = auto()  # it has a higher incarnation: connect again with one above it


class Identity:
    """One agent's claim to its name."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._mine: set[int] = set()
        self._snapshot = False
        self._listen_until: float | None = None
        self._rival: int | None = None
        self._rival_beats = 0
        self._rival_sequence = -1
        self._outbid_at: float | None = None
        self._tag = 0
        self.boot = 0
        self.incarnation = 0
        self.established = False

    @property
    def started(self) -> bool:
        return self.boot > 0

    def start(self, boot: int) -> None:
        """boot: any number above 0 that differs between starts and usually grows."""
        self.boot = self.incarnation = boot
        self._tag = boot & ((1 << _TAG_BITS) - 1)

    def next_incarnation(self) -> int:
        """The incarnation of the connection that is made now."""
        self.incarnation = (((self.incarnation >> _TAG_BITS) + 1) << _TAG_BITS) | self._tag
        self._mine.add(self.incarnation)
        self._snapshot = False
        self._listen_until = None
        return self.incarnation

    def broker_changed(self) -> None:
        """At another broker we are a newcomer again: whoever serves there under our name is not
        to be disturbed. What this process left there itself is no rival."""
        self.established = False
        self._rival = None

    def owns(self, incarnation: int) -> bool:
        """Whether it is one of this process's own, and not of another life or rival."""
        return incarnation in self._mine

    def snapshot_complete(self) -> None:
        """Our first heartbeat came round: every retained message came before it."""
        self._snapshot = True

    def presence_seen(self, presence: Presence, now: float) -> Claim:
        """A presence under our name came round."""
        if self.owns(presence.incarnation):
            current = presence.incarnation == self.incarnation
            hides = not current or presence.state is AgentState.OFFLINE
            return Claim.SPEAK if hides and self.established else Claim.NOTHING
        if presence.state is AgentState.ONLINE:
            if self.established:
                if self._rival != presence.incarnation:
                    self._rival_beats, self._rival_sequence = 0, -1
                self._rival = presence.incarnation
            else:
                self._listen_until = now + self._timing.suspect_after_s
        if presence.incarnation >= self.incarnation:
            if self.established and presence.state is AgentState.ONLINE:
                # Two serve under this name, if the other lives. It is the one to go, but has to
                # hear us for that: if both reconnected at once, neither would hear the other.
                if self._outbid_at is not None:
                    return Claim.NOTHING
                self._outbid_at = now + self._timing.suspect_after_s
                return Claim.SPEAK
            self.incarnation = presence.incarnation
            return Claim.OUTBID
        return Claim.SPEAK if self.established else Claim.NOTHING

    def is_taken(self, heartbeat: Heartbeat) -> bool:
        """Whether somebody else's heartbeat under our name means that we have to go.

        The newcomer goes: it hears us while it listens. Of two that started at once and both
        have spoken, the one with the higher incarnation goes.
        """
        if self.owns(heartbeat.incarnation):
            return False
        if not self.established:
            return True
        if heartbeat.incarnation != self._rival or self._rival >= self.incarnation:
            return False
        # One message proves nothing: it may be late, or somebody's mistake. Who lives, counts on.
        if heartbeat.sequence > self._rival_sequence:
            self._rival_sequence = heartbeat.sequence
            self._rival_beats += 1
        return self._rival_beats >= _PROOF_BEATS

    def outbids(self, now: float) -> bool:
        """Whether to connect again now, above a rival that had its time to go."""
        if self._outbid_at is None or now < self._outbid_at:
            return False
        self._outbid_at = None
        self.incarnation = max(self.incarnation, self._rival or 0)
        return True

    def spoken(self) -> None:
        """Our presence is published: from now on the name is ours."""
        self.established = True

    def may_speak(self, now: float) -> bool:
        """Whether to publish our presence: we know all there is to know about our name."""
        if not self._snapshot:
            return False
        return self._listen_until is None or now >= self._listen_until

    def next_deadline(self, now: float) -> float | None:
        times = [at for at in (self._listen_until, self._outbid_at) if at is not None and at > now]
        return min(times, default=None)
