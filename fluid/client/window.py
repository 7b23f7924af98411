"""The requests that a client keeps until they are answered, and when each is sent again.

A pure state machine: it reads no clock (`now` is a parameter, in seconds of any steady clock),
starts no thread and sends nothing. The shell in `exchange.py` feeds it what happens and does
what `due` says.

A request is sent again under its own id in three cases:
- its link was lost: what was under way may be lost with it, so at once on the next link;
- the broker had nobody to pass it to (PUBACK reason 0x10): soon, agents may be starting;
- nothing came back for a while: late, because an agent that is merely busy should not be given
  the same work twice, and later while all answers come late. The cluster recognises the id and
  answers it once where it can.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from itertools import count

from fluid.bus.protocol import (
    REASON_FIRST_FAILURE,
    REASON_NO_MATCHING_SUBSCRIBERS,
    REASON_PACKET_TOO_LARGE,
)
from fluid.client.schedule import Schedule

# How many ids of ended requests are remembered, to tell a second answer from a late one.
_REMEMBERED = 4096

# How much the next answer weighs in how long answers take now, as in TCP (RFC 6298, section 2).
_SMOOTHING = 1 / 8

# PUBACK reasons that sending again cannot cure: not authorised, topic name invalid, payload
# format invalid (MQTT 5, section 3.4.2.1), and the link's own word for too large a message.
_FINAL_REFUSALS = frozenset({0x87, 0x90, 0x99, REASON_PACKET_TOO_LARGE})


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays that double from `first_s` up to `greatest_s`."""

    first_s: float
    greatest_s: float

    def delay_s(self, attempt: int) -> float:
        """The delay after attempt 1, 2, 3..."""
        return min(self.greatest_s, self.first_s * 2.0 ** min(attempt - 1, 32))


@dataclass(frozen=True, slots=True)
class ResendPolicy:
    """When requests are sent again: unanswered ones, and those that nobody was there to take.

    late_factor: an unanswered one waits for at least so many times as long as answers take at
    present, up to the greatest delay, so that a cluster that is behind is not given more to do.
    """

    unanswered: Backoff = Backoff(first_s=3.0, greatest_s=12.0)
    unserved: Backoff = Backoff(first_s=0.25, greatest_s=2.0)
    late_factor: float = 2.0


class WhyUnanswered(Enum):
    """What a request was waiting for when its time was up."""

    NO_ANSWER = auto()
    NO_AGENT = auto()  # the broker said that it had nobody to pass it to
    NO_LINK = auto()


@dataclass(frozen=True, slots=True)
class Send:
    """Publish this request now. expiry_s: how long it is still wanted, for the broker."""

    request_id: str
    expiry_s: float


@dataclass(frozen=True, slots=True)
class TimedOut:
    """Nobody answered this request in time; the window has let go of it."""

    request_id: str
    why: WhyUnanswered
    waited_s: float
    attempts: int


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done now."""

    sends: tuple[Send, ...] = ()
    timed_out: tuple[TimedOut, ...] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """A request has got its answer; the window has let go of it."""

    request_id: str
    latency_ms: float
    attempts: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts since the client was made.

    sent: requests published at least once. answered: requests that got their first answer.
    resent: publishes beyond each request's first. duplicates: answers beyond each request's
    first, dropped. late: answers to requests that were given up before. timed_out: requests
    given up for want of an answer. refused: requests that the broker will never take. unserved:
    times the broker could not pass a request on, mostly because nobody serves. unreadable:
    messages on the reply topic that were no answer to anything.
    """

    sent: int = 0
    answered: int = 0
    resent: int = 0
    duplicates: int = 0
    late: int = 0
    timed_out: int = 0
    refused: int = 0
    unserved: int = 0
    unreadable: int = 0


@dataclass(slots=True)
class _Request:
    order: int
    submitted_s: float
    deadline_s: float
    next_send_s: float
    first_sent_s: float = 0.0  # of the fruitless sends
    last_sent_s: float = 0.0
    attempts: int = 0
    # Sends since the link opened or since somebody was last missing: they space the next one.
    fruitless_sends: int = 0
    # Acknowledgements in a row that said nobody is there; 0 while somebody is.
    unserved_in_a_row: int = 0


class RequestWindow:
    """The unanswered requests of one client. Call it from one thread.

    A step costs as much as there is due, however many wait: a cluster that has fallen behind is
    not helped by a client that goes through thousands of requests for each answer.
    """

    def __init__(self, policy: ResendPolicy | None = None) -> None:
        self._policy = policy or ResendPolicy()
        self._requests: dict[str, _Request] = {}
        self._sends = Schedule(self._next_send_of)
        self._deadlines = Schedule(self._deadline_of)
        self._orders = count()
        self._ended: OrderedDict[str, bool] = OrderedDict()  # id -> whether it was answered
        self._link_is_up = False
        self._answers_take_s = 0.0
        self._sent = self._answered = self._resent = self._duplicates = 0
        self._late = self._timed_out = self._refused = self._unserved = self._unreadable = 0

    def __len__(self) -> int:
        return len(self._requests)

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._requests

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._requests))

    @property
    def statistics(self) -> Statistics:
        return Statistics(
            sent=self._sent,
            answered=self._answered,
            resent=self._resent,
            duplicates=self._duplicates,
            late=self._late,
            timed_out=self._timed_out,
            refused=self._refused,
            unserved=self._unserved,
            unreadable=self._unreadable,
        )

    def submit(self, request_id: str, now: float, *, timeout_s: float) -> None:
        """Keep a request until it is answered or `timeout_s` have passed; it is due at once.

        Raises ValueError if that id is kept already.
        """
        if request_id in self._requests:
            raise ValueError(f"request {request_id} is under way already")
        request = _Request(next(self._orders), now, now + timeout_s, next_send_s=now)
        self._requests[request_id] = request
        self._sends.set(now, request.order, request_id)
        self._deadlines.set(request.deadline_s, request.order, request_id)

    def answered(self, request_id: str, now: float) -> Settled | None:
        """An answer has come: the end of its request, or None if that had ended before."""
        request = self._requests.get(request_id)
        if request is None:
            self._count_stray(request_id)
            return None
        self._end(request_id, was_answered=True)
        self._answered += 1
        self._learn_lateness(request, now)
        return Settled(request_id, 1000 * (now - request.submitted_s), request.attempts)

    def unreadable(self) -> None:
        """A message came on the reply topic that is no answer."""
        self._unreadable += 1

    def confirmed(self, request_id: str, now: float, *, reason: int) -> Settled | None:
        """The broker has acknowledged a publish with this reason code.

        Returns the end of the request if the broker will not take it however often it is sent.
        """
        request = self._requests.get(request_id)
        if request is None:
            return None  # answered before it was acknowledged
        if reason in _FINAL_REFUSALS:
            self._end(request_id, was_answered=False)
            self._refused += 1
            return Settled(request_id, 1000 * (now - request.submitted_s), request.attempts)
        if reason == REASON_NO_MATCHING_SUBSCRIBERS or reason >= REASON_FIRST_FAILURE:
            self._unserved += 1
            request.fruitless_sends = 0
            request.unserved_in_a_row += 1
            delay_s = self._policy.unserved.delay_s(request.unserved_in_a_row)
            self._send_next_at(now + delay_s, request_id, request)
        else:
            request.unserved_in_a_row = 0
        return None

    def abandon(self, request_id: str) -> bool:
        """Nobody wants the answer any more; whether the request was still kept."""
        if request_id not in self._requests:
            return False
        self._end(request_id, was_answered=False)
        return True

    def link_opened(self, now: float) -> None:
        """Replies can be heard and requests sent: everything unanswered is due."""
        self._link_is_up = True
        for request in self._requests.values():
            request.next_send_s = now
            request.fruitless_sends = request.unserved_in_a_row = 0
        self._sends.reset(self._all_sends())

    def link_lost(self) -> None:
        """Nothing can be sent until `link_opened`; requests keep their deadlines."""
        self._link_is_up = False

    def due(self, now: float) -> Due:
        """What is to be sent now, and what has run out of time, oldest request first."""
        timed_out = tuple(
            self._time_out(request_id, self._requests[request_id], now)
            for request_id in self._deadlines.take_due(now)
        )
        if not self._link_is_up:
            return Due(timed_out=timed_out)
        sends = tuple(
            self._send(request_id, self._requests[request_id], now)
            for request_id in self._sends.take_due(now)
            if not self._put_off(request_id, self._requests[request_id], now)
        )
        return Due(sends, timed_out)

    def next_deadline(self) -> float | None:
        """When `due` has something next, unless something happens before; None if never."""
        moments = [self._deadlines.soonest()]
        if self._link_is_up:
            moments.append(self._sends.soonest())
        return min((moment for moment in moments if moment is not None), default=None)

    def _next_send_of(self, request_id: str) -> float | None:
        request = self._requests.get(request_id)
        return None if request is None else request.next_send_s

    def _deadline_of(self, request_id: str) -> float | None:
        request = self._requests.get(request_id)
        return None if request is None else request.deadline_s

    def _all_sends(self) -> list[tuple[float, int, str]]:
        return [(each.next_send_s, each.order, name) for name, each in self._requests.items()]

    def _all_deadlines(self) -> list[tuple[float, int, str]]:
        return [(each.deadline_s, each.order, name) for name, each in self._requests.items()]

    def _send_next_at(self, moment_s: float, request_id: str, request: _Request) -> None:
        request.next_send_s = moment_s
        self._sends.set(moment_s, request.order, request_id)

    def _learn_lateness(self, request: _Request, now: float) -> None:
        """From each answer, also to what was sent again: an overestimate only spares resends."""
        if request.fruitless_sends:
            took_s = now - request.first_sent_s
            self._answers_take_s += _SMOOTHING * (took_s - self._answers_take_s)

    def _put_off(self, request_id: str, request: _Request, now: float) -> bool:
        """Let a request that is due wait on if its answer is no later than others are."""
        if not request.fruitless_sends:
            return False
        wait_s = self._policy.late_factor * self._answers_take_s
        due_s = request.last_sent_s + min(wait_s, self._policy.unanswered.greatest_s)
        if due_s <= now:
            return False
        self._send_next_at(due_s, request_id, request)
        return True

    def _send(self, request_id: str, request: _Request, now: float) -> Send:
        if not request.fruitless_sends:
            request.first_sent_s = now
        request.last_sent_s = now
        request.attempts += 1
        request.fruitless_sends += 1
        delay_s = self._policy.unanswered.delay_s(request.fruitless_sends)
        self._send_next_at(now + delay_s, request_id, request)
        if request.attempts == 1:
            self._sent += 1
        else:
            self._resent += 1
        return Send(request_id, expiry_s=request.deadline_s - now)

    def _time_out(self, request_id: str, request: _Request, now: float) -> TimedOut:
        self._end(request_id, was_answered=False)
        self._timed_out += 1
        if not self._link_is_up:
            why = WhyUnanswered.NO_LINK
        elif request.unserved_in_a_row:
            why = WhyUnanswered.NO_AGENT
        else:
            why = WhyUnanswered.NO_ANSWER
        return TimedOut(request_id, why, now - request.submitted_s, request.attempts)

    def _end(self, request_id: str, *, was_answered: bool) -> None:
        del self._requests[request_id]
        self._sends.tidy(len(self._requests), self._all_sends)
        self._deadlines.tidy(len(self._requests), self._all_deadlines)
        self._ended[request_id] = was_answered
        if len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)

    def _count_stray(self, request_id: str) -> None:
        """Nothing waits for this answer: the second one, a late one, or somebody's mistake."""
        was_answered = self._ended.get(request_id)
        if was_answered is None:
            self._unreadable += 1
        elif was_answered:
            self._duplicates += 1
        else:
            self._late += 1
            self._ended[request_id] = True
