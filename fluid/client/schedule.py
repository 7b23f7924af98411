"""When each of many requests is due, soonest first: work for those that are, none for the rest."""

import heapq
from collections.abc import Callable, Iterable

_MOST_VOID = 1000


class Schedule:
    """A heap of (moment in seconds, order of submission, request id).

    Entries whose moment is no longer that of their request stay until they are met, or until most
    are such: `moment_of` gives a request's moment, None for one that has ended.
    """

    def __init__(self, moment_of: Callable[[str], float | None]) -> None:
        self._moment_of = moment_of
        self._heap: list[tuple[float, int, str]] = []

    def set(self, moment_s: float, order: int, request_id: str) -> None:
        heapq.heappush(self._heap, (moment_s, order, request_id))

    def soonest(self) -> float | None:
        while self._heap and not self._stands(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take_due(self, now: float) -> list[str]:
        """Take out every request that is due, the one that was submitted first first."""
        due: dict[str, int] = {}
        while self._heap and self._heap[0][0] <= now:
            entry = heapq.heappop(self._heap)
            if self._stands(entry):
                _, order, request_id = entry
                due[request_id] = order
        return sorted(due, key=due.__getitem__)

    def tidy(self, requests: int, entries: Callable[[], Iterable[tuple[float, int, str]]]) -> None:
        """Throw out what no longer stands, once that is most of it. entries: all that stand."""
        if len(self._heap) > 2 * requests + _MOST_VOID:
            self.reset(entries())

    def reset(self, entries: Iterable[tuple[float, int, str]]) -> None:
        """Only these stand now."""
        self._heap = list(entries)
        heapq.heapify(self._heap)

    def _stands(self, entry: tuple[float, int, str]) -> bool:
        return self._moment_of(entry[2]) == entry[0]
