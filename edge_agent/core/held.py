"""One request while this device holds it, and the deadlines of all that are held."""

import heapq
from collections.abc import Collection
from dataclasses import dataclass, field

from edge_agent.core.answers import Contribution
from edge_agent.core.events import Request, RequestFault, Route
from edge_agent.core.flow import Flow

_MOST_VOID = 1000  # entries of deadlines that no longer stand


@dataclass(slots=True)
class Held:
    """One request, and all its deliveries that still have to be acknowledged.

    Equal requests share one `Held`: each further delivery on the same route is another request
    with the same answer; a delivery on the other route is the same request once more (it arrives
    twice while the mode changes).

    together: answered with the other devices. hearers: who had it when it arrived, but for those
    that were given up for it. expected: the same, but only for those that said that they never had
    it: without the others an answer is degraded. computing: the executor has it, or gets it in its
    turn. combiner: the device that has our share, or ourselves while we wait for the others'.
    deadline: when to look again, of our own accord. patient_until: until when, as the device that
    combines, we wait for shares. answer_by: how long the requester lets
    us. token: our reply is on its way to the broker. suspect: it may have brought a device down,
    and runs under an attempt note only. flow: how far its feature maps are, where stages read each
    other.
    """

    request: Request
    arrived_at: float
    together: bool
    hearers: tuple[str, ...]
    deliveries: dict[Route, list[int]] = field(default_factory=dict)
    contributions: dict[str, Contribution] = field(default_factory=dict)
    computing: bool = False
    computed_at: float | None = None
    is_batch: bool = False
    fault: RequestFault | None = None
    suspect: bool = False
    combiner: str | None = None
    deadline: float | None = None
    patient_until: float = 0.0
    answer_by: float | None = None
    token: int | None = None
    flow: Flow | None = None
    expected: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.expected = self.hearers

    def give_up(self, agent: str, *, has_it: bool) -> None:
        """Expect nothing of another device any more, which has this request or has it not."""
        self.hearers = tuple(name for name in self.hearers if name != agent)
        if not has_it:
            self.expected = tuple(name for name in self.expected if name != agent)

    def join(self, agent: str) -> None:
        """Another device has it as well, as it turns out."""
        self.hearers = tuple(sorted({*self.hearers, agent}))
        self.expected = tuple(sorted({*self.expected, agent}))

    def start_afresh(self) -> None:
        """Another bundle is served: nothing that was found out with the old one counts.

        A reply that is under way stays: it is complete, and of the old bundle alone. So does the
        job that the executor has, whose outcome says which bundle it was run with.
        """
        self.contributions = {}
        self.fault = self.request.fault
        self.is_batch = False
        self.computed_at = self.combiner = self.deadline = self.flow = None

    @property
    def heard_by_all(self) -> bool:
        """Whether a delivery of it went to every device."""
        return Route.EVERYONE in self.deliveries

    @property
    def idle(self) -> bool:
        """Whether nothing of ours is under way for it."""
        return self.token is None and not self.computing

    @property
    def was_read(self) -> bool:
        """Whether the executor has seen the payload: only then is it known to be an image, and
        whether a list is due for it."""
        return self.computed_at is not None

    @property
    def answerable(self) -> bool:
        """Whether there is anything to answer with, and it is known how."""
        return self.fault is not None or (bool(self.contributions) and self.was_read)

    def missing(self, stages: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the stages that nobody has contributed; none where it is faulty."""
        if self.fault is not None:
            return ()
        return tuple([stage for stage in stages if stage not in self.contributions])

    def drop_misfits(self, shape: tuple[int, ...]) -> None:
        """Forget contributions whose logits have another shape."""
        self.contributions = {
            stage: contribution
            for stage, contribution in self.contributions.items()
            if contribution.logits.shape == shape
        }

    @property
    def expected_since(self) -> float:
        """When the delivery came that the others are taken to have."""
        joined_at = None if self.flow is None else self.flow.joined_at
        return self.arrived_at if joined_at is None else joined_at

    @property
    def all_are_unshared(self) -> bool:
        """Whether nobody who could have answered it has any of the equal requests that are left."""
        unshared = 0 if self.flow is None else self.flow.unshared
        return 0 < len(self.deliveries.get(Route.EVERYONE, ())) <= unshared

    def answered_by_us(self) -> None:
        """One of its deliveries has our reply."""
        if self.flow is not None:
            self.flow.unshared = max(0, self.flow.unshared - 1)

    def own_s(self) -> float:
        """How long our own share took from the arrival on."""
        return (self.computed_at or self.arrived_at) - self.arrived_at


class Deadlines:
    """A heap of (deadline, key). Entries that were set anew meanwhile are skipped when due."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, bytes]] = []

    def set(self, held: Held, at: float) -> None:
        held.deadline = at
        heapq.heappush(self._heap, (at, held.request.key))

    def give_time(self, held: Held, now: float) -> None:
        """Start the clock of a requester who named a deadline. It concerns only answers that
        several devices give: whoever answers alone waits for nobody."""
        deadline_s = held.request.deadline_s
        if held.together and deadline_s is not None:
            held.answer_by = now + deadline_s
            heapq.heappush(self._heap, (held.answer_by, held.request.key))

    def next(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> list[tuple[float, bytes]]:
        """Take out everything that is due."""
        entries = []
        while self._heap and self._heap[0][0] <= now:
            entries.append(heapq.heappop(self._heap))
        return entries

    def tidy(self, held: Collection[Held]) -> None:
        """Throw out what is of no interest any more, once that is most of it. A requester may name
        a deadline of a day and have its answer at once."""
        if len(self._heap) <= 4 * len(held) + _MOST_VOID:
            return
        self._heap = [
            (at, each.request.key)
            for each in held
            for at in (each.deadline, each.answer_by)
            if at is not None
        ]
        heapq.heapify(self._heap)

    def clear(self) -> None:
        self._heap.clear()
