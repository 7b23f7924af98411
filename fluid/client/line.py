"""A client's way to the cluster: its link, and at which of several brokers that is.

Owns the links, when the next is opened, and the looks at the brokers that are preferred. It knows
nothing of requests: `exchange.py` sends them, and is told when the link was given up for another.
Belongs to one thread, but for `post`, which the bus calls from its own.
"""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count

from fluid.bus.protocol import (
    Bus,
    Closed,
    CloseReason,
    Delivered,
    Link,
    LinkEvent,
    LinkOptions,
)
from fluid.bus.rota import LET_IN_S, SILENCE_S, BrokerRota, Pace
from fluid.client.connecting import is_lasting

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FromLink:
    """An event of a link on its way to the thread. number: which of all links it was."""

    number: int
    event: LinkEvent


class Line:
    """One link at a time, to the brokers behind `buses` in order of preference.

    names: of the brokers, for people. connect_timeout_s: where there are several, how long a
    broker may take to let us in before the next is tried.
    """

    def __init__(
        self,
        buses: Sequence[Bus],
        names: Sequence[str],
        *,
        options: LinkOptions,
        connect_timeout_s: float,
        post: Callable[[FromLink], None],
        pace: Pace | None = None,
    ) -> None:
        self._buses = tuple(buses)
        self._names = tuple(names)
        self._options = options
        self._connect_timeout_s = connect_timeout_s
        self._post = post
        self._pace = pace or Pace()
        self._rota = BrokerRota(len(self._buses), self._pace)
        if self._rota.has_others:
            # Nobody waits that long for a host that is dead: its link ends before.
            self._options = replace(options, connect_timeout_s=LET_IN_S, silence_s=SILENCE_S)
        self._numbers = count(1)
        self._number = 0
        self._probes: dict[int, tuple[int, Link]] = {}
        self._reopen_s: float | None = None
        self._give_up_s: float | None = None
        self._unserved_since_s: float | None = None
        self._failures: dict[int, Closed] = {}
        self._lasting: set[int] = set()
        self.link: Link | None = None

    @property
    def name(self) -> str:
        """The broker that the link is at, or is opened at next."""
        return self._names[self._rota.index]

    @property
    def failure(self) -> Closed:
        """Why there is no link, at any of the brokers."""
        silent = f"{self._names[0]} does not answer"
        known = [self._failures[each] for each in sorted(self._failures)]
        first = known[0] if known else Closed(CloseReason.UNREACHABLE, silent)
        return Closed(first.reason, "; ".join(each.detail for each in known) or first.detail)

    @property
    def has_others(self) -> bool:
        """Whether there is more than one broker."""
        return self._rota.has_others

    @property
    def is_hopeless(self) -> bool:
        """Whether no broker will have us until somebody changes something."""
        return len(self._lasting) == len(self._buses)

    def open(self, now: float) -> None:
        """Start connecting."""
        self._reopen_s = None
        self._give_up_s = now + self._connect_timeout_s if self._rota.has_others else None
        self._number = next(self._numbers)
        # A session of its own each time: replies that came in between are asked for again.
        self.link = self._open(self._rota.index, self._number, self._options)

    def close(self) -> None:
        """Disconnect; `Closed` follows if there was a link."""
        for _, probe in self._probes.values():
            probe.close()
        self._probes.clear()
        if self.link is not None:
            self.link.close()

    def take(self, item: FromLink) -> LinkEvent | None:
        """What an event means to whoever uses the link; None if it is nothing to them.

        A message counts whichever link brought it: the one before may have an answer still.
        """
        if item.number == self._number or isinstance(item.event, Delivered):
            return item.event
        for broker, (number, probe) in self._probes.items():
            if number == item.number:
                del self._probes[broker]
                probe.close()
                self._probed(broker, item.event)
                break
        return None

    def opened(self, now: float) -> None:
        """The link is of use: replies can be heard."""
        self._give_up_s = None
        self._rota.opened(now)
        self._failures.clear()
        self._lasting.clear()

    def refused(self, closed: Closed) -> None:
        """The broker took us in but is of no use, for this reason."""
        self._note(closed)

    def closed(self, closed: Closed, now: float) -> None:
        """The link has ended; another is opened in time."""
        self.link = None
        self._give_up_s = self._unserved_since_s = None
        if closed.reason is not CloseReason.REQUESTED:
            self._note(closed)
        former = self.name
        delay_s = self._rota.closed(now)
        self._reopen_s = now + delay_s
        _LOG.info(
            "the link to %s closed (%s); opening another to %s in %.1f s",
            former,
            closed.detail or closed.reason,
            self.name,
            delay_s,
        )

    def unserved(self, now: float) -> None:
        """The broker had nobody to pass a request to: the agents may be at another."""
        if self._unserved_since_s is None:
            self._unserved_since_s = now

    def served(self) -> None:
        """The broker passed a request on."""
        self._unserved_since_s = None
        self._rota.useful()

    def idle(self) -> None:
        """There is no request to be served."""
        self._unserved_since_s = None

    def tick(self, now: float) -> bool:
        """Do what is due; returns whether the link was given up for one at another broker."""
        if self._give_up_s is not None and now >= self._give_up_s:
            self._give_up(now)
        if self._reopen_s is not None and now >= self._reopen_s:
            self.open(now)
        for broker in self._rota.take_due_probes(now):
            self._probe(broker)
        return self._return(now) or self._forsake(now)

    def next_deadline(self) -> float:
        """When `tick` has something next, unless something happens before; infinity if never."""
        moments = [
            self._reopen_s,
            self._give_up_s,
            self._rota.next_probe_at(),
            self._unserved_until_s(),
        ]
        return min((moment for moment in moments if moment is not None), default=math.inf)

    def _open(self, broker: int, number: int, options: LinkOptions) -> Link:
        return self._buses[broker].open(options, lambda event: self._post(FromLink(number, event)))

    def _note(self, closed: Closed) -> None:
        self._failures[self._rota.index] = closed
        if is_lasting(closed):
            self._lasting.add(self._rota.index)
        else:
            self._lasting.discard(self._rota.index)

    def _probe(self, broker: int) -> None:
        if broker in self._probes:  # of a former stay at a fallback: nobody waits for it
            self._probes.pop(broker)[1].close()
        number = next(self._numbers)
        client_id = f"{self._options.client_id}-probe"
        probe = self._open(broker, number, LinkOptions(client_id, connect_timeout_s=LET_IN_S))
        self._probes[broker] = number, probe

    def _probed(self, broker: int, event: LinkEvent) -> None:
        self._rota.probed(broker, answered=not isinstance(event, Closed))

    def _give_up(self, now: float) -> None:
        """Do not wait for a broker that says nothing: nothing more is heard of this link."""
        if self.link is not None:
            self.link.close()
        self._number = 0
        detail = f"{self.name} does not answer within {self._connect_timeout_s:g} s"
        self.closed(Closed(CloseReason.UNREACHABLE, detail), now)

    def _return(self, now: float) -> bool:
        broker = self._rota.preferred
        if broker is None:
            return False
        _LOG.info("returning from %s to %s, which answers again", self.name, self._names[broker])
        self._rota.move_to(broker)
        self._reopen_elsewhere(now)
        return True

    def _forsake(self, now: float) -> bool:
        until_s = self._unserved_until_s()
        if until_s is None or now < until_s:
            return False
        former = self.name
        self._rota.forsake()
        _LOG.info("nobody serves at %s; looking at %s", former, self.name)
        self._reopen_elsewhere(now)
        return True

    def _unserved_until_s(self) -> float | None:
        if self._unserved_since_s is None or not self._rota.has_others:
            return None
        return self._unserved_since_s + self._pace.unserved_s

    def _reopen_elsewhere(self, now: float) -> None:
        """Both brokers are there, so nothing is lost by not waiting for the goodbye: answers
        that come meanwhile are heard on either link."""
        self._unserved_since_s = None
        if self.link is not None:
            self.link.close()
        self.open(now)
