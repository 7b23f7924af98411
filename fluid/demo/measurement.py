"""What a stream of answers amounts to. Pure: reads no clock and sends nothing."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fluid.messages.replies import Result

Team = frozenset[str]


@dataclass(frozen=True, slots=True)
class Observation:
    """One image that was sent: its true label, and its result or why there is none."""

    label: int
    latency_ms: float
    result: Result | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class PhaseSummary:
    """A phase in numbers.

    modes, subnetworks: as the answers say, the most frequent first. teams: how many images each
    set of devices answered together, in the order of their first answers. last_team: the devices
    behind the last image's answer. answered: images with a result; the others are lost.
    duplicates: second answers that reached the client. accuracy: share of the answered images
    that were classified correctly, None if there were none; as are the latencies, measured by the
    client. problems: why images were lost.
    """

    phase: str
    modes: tuple[str, ...]
    subnetworks: tuple[str, ...]
    teams: Mapping[Team, int]
    last_team: Team
    sent: int
    answered: int
    duplicates: int
    accuracy: float | None
    images_per_s: float
    p50_ms: float | None
    p99_ms: float | None
    problems: Mapping[str, int]

    @property
    def lost(self) -> int:
        """Images that got no result."""
        return self.sent - self.answered

    @property
    def devices(self) -> tuple[str, ...]:
        """Every device that took part in an answer, by name."""
        return tuple(sorted(frozenset[str]().union(*self.teams)))


def summarise(
    phase: str, observations: Sequence[Observation], *, elapsed_s: float, duplicates: int
) -> PhaseSummary:
    """Summarise a phase; observations are in the order in which the images were sent."""
    results = [each.result for each in observations if each.result is not None]
    answered = [each for each in observations if each.result is not None]
    right = sum(each.label == result.label for each, result in zip(answered, results, strict=True))
    latencies_ms = [each.latency_ms for each in answered]
    return PhaseSummary(
        phase=phase,
        modes=_by_frequency(result.mode.value for result in results),
        subnetworks=_by_frequency(result.subnetwork for result in results),
        teams=Counter(frozenset(result.devices) for result in results),
        last_team=frozenset(results[-1].devices) if results else frozenset(),
        sent=len(observations),
        answered=len(results),
        duplicates=duplicates,
        accuracy=right / len(results) if results else None,
        images_per_s=len(results) / elapsed_s,
        p50_ms=_percentile(latencies_ms, 50),
        p99_ms=_percentile(latencies_ms, 99),
        problems=Counter(each.problem for each in observations if each.result is None),
    )


def _percentile(values: Sequence[float], percent: float) -> float | None:
    return float(np.percentile(values, percent)) if values else None


def _by_frequency(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name, _ in Counter(names).most_common())
