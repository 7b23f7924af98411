"""Which of several brokers to be at, and when to connect: for agents and clients alike.

Brokers are known by their index in the order of preference. Pure: the time is a parameter (in
seconds of any steady clock), and whoever owns a rota opens the links and tells how they ended.

A link that was open and broke is opened once more at the same broker, at once: a connection
breaks more often than a broker dies. If that fails, all others are tried in order of preference,
each at once; a round in which nobody took us in is followed by a pause that doubles from round to
round. On a fallback the more preferred brokers are probed, and one that answered twice in a row is
the one to return to. With one broker there is nothing but the pauses.
"""

from dataclasses import dataclass

# For links to one of several brokers (see `LinkOptions.connect_timeout_s` and `silence_s`): a host
# that lost its power must not hold anybody up.
LET_IN_S = 2.5
SILENCE_S = 3.0
_GOOD_PROBES = 2
_MOST_DOUBLINGS = 10


@dataclass(frozen=True, slots=True)
class Pace:
    """Spans of time, in seconds.

    first_pause_s, greatest_pause_s: between fruitless rounds. A link that did not hold for the
    greatest pause was no success: a broker may open and close at once. probe_s: between probes.
    forsaken_s: how long a broker that was of no use to us is not probed, at the most; it begins
    with twice `probe_s` and doubles each time. unserved_s: how long a client stays where nobody
    serves.
    """

    first_pause_s: float = 0.1
    greatest_pause_s: float = 5.0
    probe_s: float = 2.0
    forsaken_s: float = 60.0
    unserved_s: float = 2.0


@dataclass(slots=True)
class _Probing:
    """What we know of a broker that we prefer to the one we are at."""

    next_at: float
    under_way: bool = False
    good_in_a_row: int = 0


class BrokerRota:
    """The choice among `count` brokers."""

    def __init__(self, count: int = 1, pace: Pace | None = None) -> None:
        self._count = count
        self._pace = pace or Pace()
        self.index = 0
        self._untried = self._others()
        self._fruitless_rounds = 0
        self._opened_at: float | None = None
        self._tried_again = False
        self._times_forsaken: dict[int, int] = {}
        self._probings: dict[int, _Probing] = {}

    @property
    def has_others(self) -> bool:
        return self._count > 1

    def opened(self, now: float) -> None:
        """The broker at `index` took us in."""
        self._opened_at = now
        self._probings = {
            broker: _Probing(now + self._probe_after_s(broker)) for broker in range(self.index)
        }

    def closed(self, now: float, *, by_us: bool = False) -> float:
        """The link has ended, or could not be opened: chooses the broker to try next.

        Returns the pause before that, in seconds. by_us: nothing is wrong with this broker.
        """
        opened_at, self._opened_at = self._opened_at, None
        self._probings.clear()
        if opened_at is not None and now - opened_at >= self._pace.greatest_pause_s:
            self._fruitless_rounds = 0
            self._tried_again = False
        if by_us or not self.has_others:
            return self._pause_s()
        if opened_at is not None and not self._tried_again:
            self._tried_again = True
            self._untried = self._others()
            return 0.0
        if self._untried:
            self.index = self._untried.pop(0)
            return 0.0
        self.index = 0
        self._untried = self._others()
        return self._pause_s()

    def move_to(self, broker: int) -> None:
        """Go there next, whatever the order says."""
        self.index = broker
        self._untried = self._others()
        self._opened_at = None
        self._tried_again = False
        self._probings.clear()

    def forsake(self) -> None:
        """The broker takes us in and is of no use to us, for example because nobody serves there:
        go to the next one, and do not come back so soon."""
        times = self._times_forsaken.get(self.index, 0) + 1
        self._times_forsaken[self.index] = min(times, _MOST_DOUBLINGS)
        self.move_to((self.index + 1) % self._count)

    def useful(self) -> None:
        """The broker is of use to us: it is not held against it any more that it once was not."""
        self._times_forsaken.pop(self.index, None)

    # Looking for the preferred ones from a fallback.

    def take_due_probes(self, now: float) -> tuple[int, ...]:
        """The brokers to be probed now; `probed` is to follow for each."""
        due = [
            broker
            for broker, probing in self._probings.items()
            if not probing.under_way and now >= probing.next_at
        ]
        for broker in due:
            self._probings[broker].under_way = True
            self._probings[broker].next_at = now + self._pace.probe_s
        return tuple(due)

    def probed(self, broker: int, *, answered: bool) -> None:
        """How a probe ended; `preferred` may be one to return to now."""
        probing = self._probings.get(broker)
        if probing is not None:
            probing.under_way = False
            probing.good_in_a_row = probing.good_in_a_row + 1 if answered else 0

    @property
    def preferred(self) -> int | None:
        """The broker to return to; None while there is none."""
        good = (
            broker
            for broker, probing in self._probings.items()
            if probing.good_in_a_row >= _GOOD_PROBES
        )
        return min(good, default=None)

    def next_probe_at(self) -> float | None:
        moments = (each.next_at for each in self._probings.values() if not each.under_way)
        return min(moments, default=None)

    def _others(self) -> list[int]:
        return [broker for broker in range(self._count) if broker != self.index]

    def _pause_s(self) -> float:
        pause_s = self._pace.first_pause_s * 2.0**self._fruitless_rounds
        self._fruitless_rounds = min(self._fruitless_rounds + 1, _MOST_DOUBLINGS)
        return min(pause_s, self._pace.greatest_pause_s)

    def _probe_after_s(self, broker: int) -> float:
        doublings = self._times_forsaken.get(broker, 0)
        probe_s = self._pace.probe_s
        return max(probe_s, min(probe_s * 2.0**doublings, self._pace.forsaken_s))
