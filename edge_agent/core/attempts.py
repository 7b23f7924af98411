"""The gate to the executor: suspects run one at a time, alone, and under an attempt note.

The note is a retained message that names the request which runs now, confirmed by the broker
before it runs. If the device goes down, the note tells whoever finds it, an adopter or our own
next life, which request it was. For this to be true the suspect must be alone in the executor: so
what is in there is finished first, and what comes meanwhile is held back until the note is cleared.
Where no request is suspect, everything passes at once and nothing is written.

Without the control link nothing can be noted: suspects wait, and the others go on.
"""

from collections import deque
from collections.abc import Collection
from enum import Enum, auto

from edge_agent.core.effects import Compute, Effect, Note, WriteAttempt
from edge_agent.core.events import Request, RequestFault
from edge_agent.core.suspicion import executors, worn_out

_MOST_NAMED = 64  # by a note, the suspect that runs included
# Suspects that run one after the other while the rest waits: enough that a device which died with a
# full window is made up for soon, and few enough that nobody notices the wait.
_MOST_IN_A_ROW = 8
_Name = tuple[bytes, tuple[str, ...]]


class _Phase(Enum):
    OPEN = auto()  # jobs pass
    DRAINING = auto()  # a suspect waits for the jobs in the executor
    NOTING = auto()  # for the broker to confirm its note
    RUNNING = auto()  # it runs
    CLEARING = auto()  # for the broker to confirm that the note is cleared


class Attempts:
    """What one agent gives to its executor, and when."""

    def __init__(self, agent: str) -> None:
        self._agent = agent
        self._phase = _Phase.OPEN
        self._suspects: deque[Compute] = deque()
        self._held_back: list[Compute] = []
        # In the order in which they run. Of equal jobs one is enough: a link that is lost over and
        # over brings the same requests each time.
        self._in_executor: dict[_Name, None] = {}
        self._link_open = False
        self._sessions = 0
        self._settled = False
        self._token = 0
        self._running: bytes | None = None
        self._in_a_row = 0
        # What brought down our former life. It stays in the note until it is answered.
        self._former: set[bytes] = set()
        self._knows_former = False
        self._in_flight_before: set[bytes] = set()
        # What the broker has, or will have; None where a note went out on a link that was lost.
        self._written: set[bytes] | None = set()
        self._confirmed = 0

    # Who is suspect.

    def note_seen(self, keys: tuple[bytes, ...]) -> None:
        """A note of ours came round. What is retained when we come is our former life's; what is
        said later is our own, or another process has our name."""
        if not self._knows_former:
            self._former = set(keys[: _MOST_NAMED - 1])
            self._written = set(keys)

    @property
    def settled(self) -> bool:
        """Whether all that was in flight when our former life ended has come."""
        return self._settled

    @property
    def are_under_way(self) -> bool:
        """Whether more may come of what was in flight when our former life ended."""
        return bool(self._in_flight_before) and not self._settled

    @property
    def hold_others_back(self) -> bool:
        """Whether a request that comes now could not be run before a suspect is done with."""
        return self._phase in (_Phase.DRAINING, _Phase.NOTING, _Phase.RUNNING)

    def snapshot_complete(self) -> None:
        """Everything retained has come."""
        self._knows_former = True

    def session_opened(self) -> None:
        """The inference link is open. What its session brings again on the first time was in
        flight when our former life ended; later, and once that has all come, it is what we still
        have."""
        self._sessions += 1

    def suspects(self, request: Request, *, redelivered: bool) -> bool:
        """Whether a request that arrives may have brought a device down."""
        if redelivered and (self._sessions == 1 or not self._settled):
            self._in_flight_before.add(request.key)
        return request.handovers > 0 or request.key in self._in_flight_before

    def condemns(self, request: Request) -> RequestFault | None:
        """What a suspect is answered with that has brought too many devices down already."""
        named = request.key in self._former
        return worn_out(executors(request.handovers, was_sent=True, named=named))

    def settle(self, held: Collection[bytes]) -> list[Effect]:
        """Whatever our session held has come, and of that these requests are left."""
        self._settled = True
        self._former &= set(held)
        self._in_flight_before &= set(held)
        return self._correct_note()

    # Jobs.

    def compute(self, job: Compute, *, suspect: bool) -> list[Effect]:
        """Give a job to the executor as soon as that may be."""
        if suspect:
            self._suspects.append(job)
            return self._advance()
        if self._phase is not _Phase.OPEN:
            self._held_back.append(job)
            return []
        return self._pass(job)

    def finished(self, key: bytes | None = None) -> list[Effect]:
        """The executor is done with a job of this request; None: with the one it had longest."""
        name = next((each for each in self._in_executor if key in (None, each[0])), None)
        if name is not None:
            del self._in_executor[name]
        if self._phase is not _Phase.RUNNING:
            return self._advance()
        self._running = None
        return self._next_attempt()

    def take_back(self) -> set[bytes]:
        """Another bundle is in force: the jobs that wait here are of the one before. Returns the
        requests that have to be computed anew. What the executor has, it runs before it changes."""
        keys = {job.request.key for job in (*self._suspects, *self._held_back)}
        self._suspects.clear()
        self._held_back.clear()
        return keys

    def is_waiting(self, key: bytes) -> bool:
        """Whether a request has a job here that the executor does not have yet."""
        return any(job.request.key == key for job in (*self._suspects, *self._held_back))

    def let_go(self, key: bytes) -> list[Effect]:
        """A request was answered: it need not run any more, nor be named."""
        if not (self._suspects or self._held_back or self._in_flight_before or self._former):
            return []
        self._former.discard(key)
        self._in_flight_before.discard(key)
        return [*self.take_out(key), *self._correct_note()]

    def take_out(self, key: bytes) -> list[Effect]:
        """A request that waits here need not run any more, or not in the way that was meant."""
        self._suspects = deque(job for job in self._suspects if job.request.key != key)
        self._held_back = [job for job in self._held_back if job.request.key != key]
        return self._reopen() if self._phase is _Phase.DRAINING and not self._suspects else []

    def session_lost(self) -> list[Effect]:
        """The inference link is gone; the broker will send again what has not run."""
        self._suspects.clear()
        self._held_back.clear()
        return self._reopen() if self._phase is _Phase.DRAINING else []

    # The note.

    def link_opened(self) -> list[Effect]:
        """The control link is there."""
        self._link_open = True
        return [*self._advance(), *self._correct_note()]

    def link_lost(self) -> list[Effect]:
        """What was not confirmed may be written or not; it will be written again."""
        self._link_open = False
        if self._confirmed != self._token:
            self._written = None
        return [] if self._phase in (_Phase.OPEN, _Phase.RUNNING) else self._reopen()

    def broker_changed(self) -> list[Effect]:
        """At another broker nothing accuses us but what is in our session there. A note of an
        earlier stay is cleared."""
        self._former.clear()
        self._in_flight_before.clear()
        effects = self.link_lost()
        self._written = None
        return effects

    def confirmed(self, token: int, *, accepted: bool) -> list[Effect]:
        """The broker has (or refused) a note."""
        if token != self._token:
            return []
        self._confirmed = token
        # A broker that does not let us write notes must not keep requests from being answered.
        effects: list[Effect] = [] if accepted else [Note("attempt_refused", problem=True)]
        if self._phase is _Phase.CLEARING:
            return effects + self._reopen()
        if self._phase is not _Phase.NOTING:
            return effects
        if not self._suspects or self._suspects[0].request.key != self._running:
            self._running = None  # it was answered meanwhile
            return effects + self._next_attempt()
        self._phase = _Phase.RUNNING
        return effects + self._pass(self._suspects.popleft())

    def withdraw(self) -> list[Effect]:
        """We leave in good order: nothing brought us down now. What brought our former life down
        and has not come yet is accused still."""
        wrong = self._written != self._former
        return [self._write(self._former)] if wrong and self._link_open else []

    def _advance(self) -> list[Effect]:
        if self._phase is _Phase.OPEN and self._suspects and self._link_open:
            self._phase = _Phase.DRAINING
        if self._phase is _Phase.DRAINING and not self._in_executor:
            return self._next_attempt()
        return []

    def _next_attempt(self) -> list[Effect]:
        """Name the next suspect; but now and then, the others have their turn."""
        if not self._link_open:
            return self._reopen()
        if not self._suspects or self._in_a_row >= _MOST_IN_A_ROW:
            self._phase = _Phase.CLEARING
            return [self._write(self._former)]
        self._phase = _Phase.NOTING
        self._in_a_row += 1
        self._running = self._suspects[0].request.key
        return [self._write({self._running, *self._former})]

    def _reopen(self) -> list[Effect]:
        """Let through what was held back, then look for the next suspect."""
        self._phase, self._running, self._in_a_row = _Phase.OPEN, None, 0
        jobs, self._held_back = self._held_back, []
        passed = [effect for job in jobs for effect in self._pass(job)]
        return [*passed, *self._advance(), *self._correct_note()]

    def _pass(self, job: Compute) -> list[Effect]:
        """Give a job to the executor, unless it has an equal one."""
        name = (job.request.key, job.stages)
        if name in self._in_executor:
            return []
        self._in_executor[name] = None
        return [job]

    def _correct_note(self) -> list[Effect]:
        """Take out of the note what it names without need, if no other is about to be written."""
        wrong = self._phase is _Phase.OPEN and self._written != self._former
        return [self._write(self._former)] if wrong and self._link_open else []

    def _write(self, keys: set[bytes]) -> WriteAttempt:
        self._token += 1
        self._written = set(keys)
        return WriteAttempt(self._agent, tuple(sorted(keys)), self._token)
