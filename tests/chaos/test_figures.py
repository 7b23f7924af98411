import json
from dataclasses import asdict

import pytest

from fluid.messages import Mode
from tests.chaos.figures import Degraded, Spread, summarise
from tests.chaos.making import FAULT_S, campaign, episode, record
from tests.chaos.plan import Fault


def test_a_spread_of_nothing_has_no_times() -> None:
    assert Spread.of([]) == Spread(0, None, None, None)


def test_a_spread_is_in_milliseconds() -> None:
    spread = Spread.of([0.001 * index for index in range(1, 102)])
    assert spread.count == 101
    assert spread.p50_ms == pytest.approx(51.0)
    assert spread.p99_ms == pytest.approx(100.0)
    assert spread.max_ms == pytest.approx(101.0)


def test_fail_over_counts_from_the_fault_and_latency_from_the_sending() -> None:
    figures = summarise(
        campaign(
            episode(
                record(FAULT_S - 0.5, FAULT_S - 0.4),  # before
                record(FAULT_S - 0.1, FAULT_S + 0.3),  # in flight
                record(FAULT_S + 1.0, FAULT_S + 1.2),  # during
                record(FAULT_S + 3.0, FAULT_S + 3.1),  # after
            )
        )
    )
    (round_,) = figures.rounds
    assert (round_.requests, round_.in_flight, round_.problems) == (4, 1, 0)
    assert round_.last_ms == pytest.approx(300.0)
    assert round_.longest_ms == pytest.approx(200.0)
    (row,) = figures.by_fault
    assert (row.in_flight.count, row.during.count, figures.steady["ha"].count) == (1, 1, 1)
    assert row.in_flight.max_ms == pytest.approx(300.0)
    assert row.during.max_ms == pytest.approx(200.0)
    assert row.formed.max_ms == pytest.approx(2000.0)
    assert figures.steady["ha"].max_ms == pytest.approx(100.0)


def test_the_last_of_each_round_is_counted_once() -> None:
    def answered_after(*times_s: float) -> list[float]:
        return [FAULT_S + time_s for time_s in times_s]

    rounds = [
        episode(*(record(FAULT_S - 0.1, at) for at in answered_after(0.1, 0.2, 0.4))),
        episode(*(record(FAULT_S - 0.1, at) for at in answered_after(0.3))),
        episode(record(FAULT_S - 0.2, FAULT_S - 0.1)),  # nothing was under way
    ]
    (row,) = summarise(campaign(*rounds)).by_fault
    assert row.rounds == 3
    assert row.in_flight.count == 4
    assert row.last.count == 2
    assert row.last.max_ms == pytest.approx(400.0)


def test_faults_are_told_apart_and_so_are_modes() -> None:
    figures = summarise(
        campaign(
            episode(fault=Fault.KILL, mode=Mode.HA),
            episode(fault=Fault.KILL, mode=Mode.HT),
            episode(fault=Fault.SILENCE, mode=Mode.HT),
        )
    )
    assert [(row.fault, row.rounds) for row in figures.by_fault] == [
        ("SIGKILL", 2),
        ("SIGSTOP 5 s", 1),
    ]
    assert [(row.fault, row.mode) for row in figures.by_fault_and_mode] == [
        ("SIGKILL", "ha"),
        ("SIGKILL", "ht"),
        ("SIGSTOP 5 s", "ht"),
    ]


def test_a_killed_master_counts_among_the_killed_and_a_restart_does_not() -> None:
    slow = record(FAULT_S - 0.1, FAULT_S + 0.4)
    figures = summarise(
        campaign(
            episode(slow, fault=Fault.KILL),
            episode(slow, fault=Fault.KILL_IN_SWITCH),
            episode(slow, fault=Fault.RESTART),
            episode(slow, fault=Fault.SILENCE),
        )
    )
    assert (figures.killed.count, figures.silent.count) == (2, 1)


def test_what_went_wrong_is_counted_apart_and_makes_the_campaign_unsafe() -> None:
    lost = record(FAULT_S, FAULT_S + 60.0, problem="RequestTimeout: nobody")
    never = record(FAULT_S, None)
    wrong, refused, twice = (record(FAULT_S, FAULT_S + 0.1, attempts=2) for _ in range(3))
    wrong.is_wrong, wrong.problem = True, "says 3"
    refused.problem = "refused: execution_failed"
    twice.deliveries = 2
    good = record(FAULT_S, FAULT_S + 0.1)
    figures = summarise(campaign(episode(lost, never, wrong, refused, twice, good), duplicates=5))
    totals = figures.totals
    assert (totals.requests, totals.lost) == (6, 2)
    assert (totals.wrong, totals.refused, totals.twice) == (1, 1, 1)
    assert (totals.resent, totals.dropped) == (3, 5)
    assert figures.problems["RequestTimeout: nobody"] == 1
    assert not figures.is_safe


def test_a_campaign_that_was_stopped_is_not_safe_though_nothing_was_lost() -> None:
    answered = episode(record(FAULT_S, FAULT_S + 0.1))
    assert summarise(campaign(answered)).is_safe
    assert not summarise(campaign(answered, stopped_by="round 3")).is_safe


def test_lost_requests_have_no_latency() -> None:
    lost = record(FAULT_S - 0.1, FAULT_S + 60.0, problem="RequestTimeout: nobody")
    (row,) = summarise(campaign(episode(lost))).by_fault
    assert row.in_flight == Spread()


def test_the_streams_own_lateness_is_told() -> None:
    late = record(FAULT_S, FAULT_S + 0.2)
    late.due_s -= 0.05
    assert summarise(campaign(episode(late))).latest_ms == pytest.approx(50.0)
    assert late.latency_s == pytest.approx(0.25)


def test_every_degraded_answer_is_told_with_its_fault_its_phase_and_who_gave_it() -> None:
    at_each_phase = [
        record(FAULT_S - 0.5, FAULT_S - 0.4, degraded_by="a"),
        record(FAULT_S - 0.1, FAULT_S + 0.3, degraded_by="b"),
        record(FAULT_S + 1.0, FAULT_S + 1.2, degraded_by="a"),
        record(FAULT_S + 3.0, FAULT_S + 3.1, degraded_by="a"),
        record(FAULT_S + 3.5, FAULT_S + 3.6),
    ]
    figures = summarise(
        campaign(
            episode(*at_each_phase, fault=Fault.BROKER_KILL),
            episode(record(FAULT_S + 0.1, FAULT_S + 0.2), fault=Fault.BROKER_KILL),
            episode(record(FAULT_S + 5.0, FAULT_S + 5.1, degraded_by="b"), fault=Fault.SILENCE),
        )
    )
    silent, killed = figures.by_fault
    assert killed.degraded == Degraded(before=1, under_way=1, during=1, after=1)
    assert (killed.degraded_rounds, killed.rounds) == (1, 2)
    assert silent.degraded == Degraded(after=1)
    assert sum(row.degraded.count for row in figures.by_fault) == figures.totals.degraded == 5
    assert figures.rounds[0].degraded_by == {"a": 3, "b": 1}


def test_the_figures_are_plain_values_that_json_takes() -> None:
    half = record(FAULT_S + 1.0, FAULT_S + 1.2, degraded_by="a")
    figures = summarise(campaign(episode(half)))
    document = json.loads(json.dumps(asdict(figures), allow_nan=False))
    assert document["rounds"][0]["degraded_by"] == {"a": 1}
