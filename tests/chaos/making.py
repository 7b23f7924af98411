"""Observations for tests of what is made of them."""

from fluid.client import Statistics
from fluid.messages import Mode
from tests.chaos.episodes import Campaign, Capacity, Episode
from tests.chaos.plan import Fault, Round
from tests.chaos.stream import Record

FAULT_S = 100.0  # when the fault happens, in all episodes made here
FORMED_S = 102.0


def record(
    submitted_s: float,
    answered_s: float | None,
    *,
    attempts: int = 1,
    problem: str = "",
    degraded_by: str = "",
) -> Record:
    """A request; one without an answer or with a problem is lost."""
    return Record(
        index=0,
        due_s=submitted_s,
        submitted_s=submitted_s,
        answered_s=answered_s,
        deliveries=0 if answered_s is None else 1,
        attempts=attempts,
        devices=(degraded_by,) if degraded_by else (),
        degraded=bool(degraded_by),
        is_lost=answered_s is None or bool(problem),
        problem=problem,
    )


def episode(
    *records: Record, fault: Fault = Fault.KILL, mode: Mode = Mode.HA, number: int = 1
) -> Episode:
    return Episode(
        round=Round(number, fault, "master", mode, mode, steady_s=1.0),
        rate_per_s=200.0,
        fault_s=FAULT_S,
        formed_s=FORMED_S,
        words=0,
        records=records,
    )


def campaign(*episodes: Episode, duplicates: int = 0, stopped_by: str = "") -> Campaign:
    return Campaign(
        agents=2,
        load=0.6,
        capacity=Capacity(
            everybody={Mode.HA: 500.0, Mode.HT: 1000.0}, survivors={Mode.HA: 400.0, Mode.HT: 500.0}
        ),
        episodes=episodes,
        records=[record for episode in episodes for record in episode.records],
        statistics=Statistics(duplicates=duplicates),
        stopped_by=stopped_by,
    )
