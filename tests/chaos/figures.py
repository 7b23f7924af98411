"""What the observations of a campaign amount to. Pure: observations in, numbers out.

The numbers are plain values, so that `dataclasses.asdict` of them is what goes into the JSON.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fluid.messages import Mode
from tests.chaos.episodes import Campaign, Episode
from tests.chaos.plan import Fault
from tests.chaos.stream import Record

# Whose requests are a killed process's, or a silent device's.
KILLED = (Fault.KILL, Fault.KILL_IN_SWITCH)
SILENT = (Fault.SILENCE,)


@dataclass(frozen=True, slots=True)
class Spread:
    """Times in milliseconds: how many there are, and how long they are; None if there are none."""

    count: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None

    @classmethod
    def of(cls, times_s: Iterable[float]) -> "Spread":
        times_ms = [1000 * time_s for time_s in times_s]
        if not times_ms:
            return cls()
        p50, p99 = np.percentile(times_ms, [50, 99])
        return cls(len(times_ms), float(p50), float(p99), max(times_ms))


@dataclass(frozen=True, slots=True)
class Degraded:
    """How many answers were of less than was online, by when their requests were sent.

    before: so long before the fault that they were answered by then. under_way: when it happened.
    during: from the fault until all agents were seen to serve again. after: from then on.
    """

    before: int = 0
    under_way: int = 0
    during: int = 0
    after: int = 0

    @property
    def count(self) -> int:
        return self.before + self.under_way + self.during + self.after

    def __add__(self, other: "Degraded") -> "Degraded":
        return Degraded(
            self.before + other.before,
            self.under_way + other.under_way,
            self.during + other.during,
            self.after + other.after,
        )


@dataclass(frozen=True, slots=True)
class RoundFigures:
    """One round. last_ms: from the fault to the last answer of those under way then; longest_ms:
    the greatest latency of those sent until all served again, which was after formed_ms.
    degraded_by: by which devices the degraded answers were given, joined by +, and how many."""

    number: int
    fault: str
    victim: str
    before: str
    after: str
    rate_per_s: float
    requests: int
    in_flight: int
    last_ms: float | None
    longest_ms: float | None
    formed_ms: float
    problems: int
    degraded: Degraded
    degraded_by: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class FaultFigures:
    """One kind of fault, in one mode or, where that is "", in both.

    in_flight: from the fault to the answer, for requests under way when it happened. last: of
    each round the longest of these. during: latencies of requests sent from the fault until all
    agents served again. formed: from the fault until then, seen from outside. resent: of those
    in flight and during, how many the client sent more than once. degraded: of all requests of
    these rounds, and in how many of the rounds there were any. words: how often the operator's
    word had to be said again.
    """

    fault: str
    mode: str
    rounds: int
    in_flight: Spread
    last: Spread
    during: Spread
    formed: Spread
    resent: int
    degraded: Degraded
    degraded_rounds: int
    words: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts over a campaign.

    lost: without an answer. refused: answered with an error. wrong: answered otherwise than the
    bundle's files say. twice: handed out more than once by the client library. dropped: second
    answers that reached the library, which drops them.
    """

    requests: int
    lost: int
    refused: int
    wrong: int
    twice: int
    dropped: int
    resent: int
    degraded: int


@dataclass(frozen=True, slots=True)
class CampaignFigures:
    """A campaign in numbers.

    rounds: each, in their order. capacity, survivors_capacity, rates: requests a second, by
    mode; rates: the greatest of a round. latest_ms: how late the stream itself was at most in
    sending a request. steady: latencies before the faults, by mode. killed, silent: from the
    fault to the answer, for requests under way when a process was killed, or fell silent;
    killed_during, silent_during: latencies of what was sent then, until all served again.
    problems: why requests failed, and how many did.
    """

    agents: int
    load: float
    rounds: Sequence[RoundFigures]
    capacity: Mapping[str, float]
    survivors_capacity: Mapping[str, float]
    rates: Mapping[str, float]
    latest_ms: float
    steady: Mapping[str, Spread]
    killed: Spread
    killed_during: Spread
    silent: Spread
    silent_during: Spread
    by_fault: Sequence[FaultFigures]
    by_fault_and_mode: Sequence[FaultFigures]
    totals: Totals
    problems: Mapping[str, int]
    stopped_by: str

    @property
    def is_safe(self) -> bool:
        """Nothing lost, refused, wrong or handed out twice, and no round that did not end."""
        totals = self.totals
        return not (
            totals.lost or totals.refused or totals.wrong or totals.twice or self.stopped_by
        )


def summarise(campaign: Campaign) -> CampaignFigures:
    """The numbers of a campaign."""
    episodes = campaign.episodes
    records = campaign.records
    killed = [each for each in episodes if each.round.fault in KILLED]
    silent = [each for each in episodes if each.round.fault in SILENT]
    modes = sorted({episode.round.before for episode in episodes})
    return CampaignFigures(
        agents=campaign.agents,
        load=campaign.load,
        rounds=[round_figures(each) for each in episodes],
        capacity={mode.value: rate for mode, rate in campaign.capacity.everybody.items()},
        survivors_capacity={mode.value: rate for mode, rate in campaign.capacity.survivors.items()},
        rates={mode.value: _greatest_rate(_in_mode(episodes, mode)) for mode in modes},
        latest_ms=1000 * max((each.submitted_s - each.due_s for each in records), default=0.0),
        steady={mode.value: _steady(_in_mode(episodes, mode)) for mode in modes},
        killed=Spread.of(_fail_over_s(killed)),
        killed_during=Spread.of(_during_s(killed)),
        silent=Spread.of(_fail_over_s(silent)),
        silent_during=Spread.of(_during_s(silent)),
        by_fault=[
            _of_fault(fault, "", _with_fault(episodes, fault))
            for fault in Fault
            if _with_fault(episodes, fault)
        ],
        by_fault_and_mode=[
            _of_fault(fault, mode.value, found)
            for fault in Fault
            for mode in modes
            if (found := _in_mode(_with_fault(episodes, fault), mode))
        ],
        totals=_totals(campaign, records),
        problems=Counter(record.problem for record in records if record.problem),
        stopped_by=campaign.stopped_by,
    )


def round_figures(episode: Episode) -> RoundFigures:
    """The numbers of a round."""
    round_ = episode.round
    return RoundFigures(
        number=round_.number,
        fault=round_.fault.value,
        victim=round_.victim,
        before=round_.before.value,
        after=round_.after.value,
        rate_per_s=episode.rate_per_s,
        requests=len(episode.records),
        in_flight=len(episode.in_flight()),
        last_ms=Spread.of(_last_s([episode])).max_ms,
        longest_ms=Spread.of(_during_s([episode])).max_ms,
        formed_ms=1000 * (episode.formed_s - episode.fault_s),
        problems=_count(episode.records, lambda record: bool(record.problem)),
        degraded=_degraded(episode),
        # `asdict` copies a dict, but counts the items of a Counter.
        degraded_by=dict(
            Counter("+".join(each.devices) for each in episode.records if each.degraded)
        ),
    )


def _of_fault(fault: Fault, mode: str, episodes: Sequence[Episode]) -> FaultFigures:
    affected = [record for each in episodes for record in (*each.in_flight(), *each.during())]
    degraded = [_degraded(each) for each in episodes]
    return FaultFigures(
        fault=fault.value,
        mode=mode,
        rounds=len(episodes),
        in_flight=Spread.of(_fail_over_s(episodes)),
        last=Spread.of(_last_s(episodes)),
        during=Spread.of(_during_s(episodes)),
        formed=Spread.of(each.formed_s - each.fault_s for each in episodes),
        resent=_count(affected, lambda record: record.attempts > 1),
        degraded=sum(degraded, Degraded()),
        degraded_rounds=sum(1 for each in degraded if each.count),
        words=sum(each.words for each in episodes),
    )


def _degraded(episode: Episode) -> Degraded:
    """Every degraded answer of a round, each in one place."""
    before, under_way, during = (
        _count(records, lambda record: record.degraded)
        for records in (episode.steady(), episode.in_flight(), episode.during())
    )
    whole = _count(episode.records, lambda record: record.degraded)
    return Degraded(before, under_way, during, after=whole - before - under_way - during)


def _fail_over_s(episodes: Sequence[Episode]) -> list[float]:
    return [time_s for each in episodes for time_s in _fail_overs_of(each)]


def _during_s(episodes: Sequence[Episode]) -> list[float]:
    return [record.latency_s for each in episodes for record in _answered(each.during())]


def _last_s(episodes: Sequence[Episode]) -> list[float]:
    return [max(times_s) for each in episodes if (times_s := _fail_overs_of(each))]


def _fail_overs_of(episode: Episode) -> list[float]:
    return [
        record.answered_s - episode.fault_s
        for record in episode.in_flight()
        if record.answered_s is not None and not record.is_lost
    ]


def _steady(episodes: Sequence[Episode]) -> Spread:
    return Spread.of(record.latency_s for each in episodes for record in _answered(each.steady()))


def _answered(records: Iterable[Record]) -> list[Record]:
    return [record for record in records if not record.is_lost and record.answered_s is not None]


def _greatest_rate(episodes: Sequence[Episode]) -> float:
    return max((each.rate_per_s for each in episodes), default=0.0)


def _in_mode(episodes: Sequence[Episode], mode: Mode) -> list[Episode]:
    return [each for each in episodes if each.round.before is mode]


def _with_fault(episodes: Sequence[Episode], fault: Fault) -> list[Episode]:
    return [each for each in episodes if each.round.fault is fault]


def _totals(campaign: Campaign, records: Sequence[Record]) -> Totals:
    return Totals(
        requests=len(records),
        lost=_count(records, lambda record: record.is_lost or not record.deliveries),
        refused=_count(
            records, lambda record: bool(record.problem) and not (record.is_lost or record.is_wrong)
        ),
        wrong=_count(records, lambda record: record.is_wrong),
        twice=_count(records, lambda record: record.deliveries > 1),
        dropped=campaign.statistics.duplicates,
        resent=_count(records, lambda record: record.attempts > 1),
        degraded=_count(records, lambda record: record.degraded),
    )


def _count(records: Sequence[Record], holds: Callable[[Record], bool]) -> int:
    return sum(holds(record) for record in records)
