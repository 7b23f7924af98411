"""A phase in numbers, from what was observed."""

import pytest

from fluid.demo.measurement import Observation, summarise
from fluid.messages.control import Mode
from tests.unit.fluid.demo.examples import BOTH, observed


def test_counts_and_rate_are_those_of_the_answers() -> None:
    observations = [observed(*BOTH), observed(*BOTH), Observation(3, 99.0, problem="timeout")]
    summary = summarise("HA", observations, elapsed_s=0.5, duplicates=4)
    assert (summary.sent, summary.answered, summary.lost) == (3, 2, 1)
    assert summary.duplicates == 4
    assert summary.images_per_s == 4.0
    assert summary.problems == {"timeout": 1}


def test_accuracy_is_the_share_of_right_answers_among_the_answered() -> None:
    right, wrong = observed(*BOTH, label=3, answer=3), observed(*BOTH, label=3, answer=8)
    lost = Observation(3, 1.0, problem="timeout")
    summary = summarise("HA", [right, wrong, right, lost, right], elapsed_s=1, duplicates=0)
    assert summary.accuracy == 0.75


def test_latencies_are_percentiles_of_the_answered() -> None:
    observations = [observed(*BOTH, latency_ms=float(ms)) for ms in range(101)]
    observations.append(Observation(3, 30_000.0, problem="timeout"))
    summary = summarise("HA", observations, elapsed_s=1, duplicates=0)
    assert summary.p50_ms == pytest.approx(50)
    assert summary.p99_ms == pytest.approx(99)


def test_teams_are_in_the_order_of_their_first_answers() -> None:
    observations = [observed(*BOTH), observed("worker"), observed("worker")]
    summary = summarise("HA", observations, elapsed_s=1, duplicates=0)
    assert list(summary.teams.items()) == [(frozenset(BOTH), 1), (frozenset({"worker"}), 2)]
    assert summary.last_team == {"worker"}
    assert summary.devices == BOTH


def test_modes_and_subnetworks_are_the_most_frequent_first() -> None:
    observations = [
        observed(*BOTH, subnetwork="100"),
        observed("master", subnetwork="lower50", mode=Mode.HT),
        observed("master", subnetwork="lower50", mode=Mode.HT),
    ]
    summary = summarise("HA", observations, elapsed_s=1, duplicates=0)
    assert summary.modes == ("ht", "ha")
    assert summary.subnetworks == ("lower50", "100")


def test_a_phase_without_answers_has_neither_accuracy_nor_latency() -> None:
    summary = summarise("HA", [Observation(3, 1.0, problem="x")], elapsed_s=1, duplicates=0)
    assert (summary.accuracy, summary.p50_ms, summary.p99_ms) == (None, None, None)
    assert summary.devices == ()
