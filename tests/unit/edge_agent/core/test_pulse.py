import pytest

from edge_agent.core.effects import PublishHeartbeat
from edge_agent.core.pulse import Pulse
from fluid.messages import Heartbeat
from tests.unit.edge_agent.making import TIMING, one_of


def beat(pulse: Pulse, now: float, *, queue: int = 0, compute_ms: float = 0.0) -> Heartbeat:
    effects = pulse.beat(now, queue=queue, compute_ms_total=compute_ms, incarnation=5)
    return one_of(effects, PublishHeartbeat).heartbeat


def is_silent(pulse: Pulse, now: float) -> bool:
    return not pulse.beat(now, queue=0, compute_ms_total=0.0, incarnation=5)


def test_a_pulse_beats_at_once_and_then_each_interval() -> None:
    pulse = Pulse("a", TIMING)
    pulse.start(10.0)
    assert beat(pulse, 10.0, queue=3) == Heartbeat("a", 5, sequence=1, queue=3)
    assert is_silent(pulse, 10.4)
    assert pulse.next_deadline(10.4) == 10.5
    assert beat(pulse, 10.5).sequence == 2


def test_a_late_beat_is_not_made_up_for() -> None:
    pulse = Pulse("a", TIMING)
    pulse.start(0.0)
    beat(pulse, 0.0)
    beat(pulse, 7.0)
    assert is_silent(pulse, 7.1)
    assert pulse.next_deadline(7.1) == 7.5


def test_nothing_beats_while_nobody_would_hear() -> None:
    pulse = Pulse("a", TIMING)
    assert is_silent(pulse, 1.0)
    pulse.start(1.0)
    pulse.stop()
    assert is_silent(pulse, 1.0)
    assert pulse.next_deadline(1.0) == 1.0 + TIMING.heartbeat_s


def test_busy_is_the_share_of_the_last_interval_spent_computing() -> None:
    pulse = Pulse("a", TIMING)
    pulse.start(100.0)
    beat(pulse, 100.0, compute_ms=1000.0)
    assert beat(pulse, 100.5, compute_ms=1200.0).busy == pytest.approx(0.4)
    load = pulse.load(7, 5)
    assert (load.sequence, load.queue) == (2, 7)
    assert load.busy == pytest.approx(0.4)
    assert beat(pulse, 101.0, compute_ms=1200.0).busy == 0.0


@pytest.mark.parametrize(("compute_ms", "state_ms"), [(50.0, 300.0), (300.0, 50.0)])
def test_busy_is_whichever_has_more_to_do(compute_ms: float, state_ms: float) -> None:
    pulse = Pulse("a", TIMING)
    pulse.start(100.0)
    beat(pulse, 100.0)
    pulse.worked(0.0, 100.0)
    pulse.worked(state_ms, 100.5)
    assert beat(pulse, 100.5, compute_ms=compute_ms).busy == pytest.approx(0.6)


def test_reports_of_work_need_not_keep_time_with_the_beats() -> None:
    pulse = Pulse("a", TIMING)
    pulse.start(100.0)
    beat(pulse, 100.0)
    reports = [100.1, 100.7, 101.6, 102.1, 102.4]  # none between two beats, and two
    told = []
    for now in sorted([*reports, 100.5, 101.0, 101.5, 102.0, 102.5]):
        if now in reports:
            pulse.worked(700.0 * (now - 100.0), now)
        else:
            told.append(beat(pulse, now).busy)
    assert told[1:] == [pytest.approx(0.7)] * 4


def test_a_burst_of_results_does_not_make_it_busier_than_always() -> None:
    pulse = Pulse("a", TIMING)
    pulse.start(0.0)
    beat(pulse, 0.0)
    assert beat(pulse, 0.5, compute_ms=9000.0).busy == 1.0


def test_an_inference_of_many_beats_makes_it_busy_for_as_many() -> None:
    pulse = Pulse("a", TIMING)
    pulse.start(0.0)
    beat(pulse, 0.0)
    told = [beat(pulse, 0.5 * step, compute_ms=1200.0).busy for step in range(1, 5)]
    assert told == [1.0, 1.0, pytest.approx(0.4), 0.0]


def test_a_backlog_of_computing_is_not_carried_for_ever() -> None:
    pulse = Pulse("a", TIMING)
    pulse.start(0.0)
    beat(pulse, 0.0)
    told = [beat(pulse, 0.5 * step, compute_ms=1e9).busy for step in range(1, 60)]
    assert told[0] == 1.0
    assert told[-1] == 0.0


def test_beats_that_do_not_come_back_are_counted_until_one_does() -> None:
    pulse = Pulse("a", TIMING)
    pulse.start(0.0)
    for now in (0.0, 0.5, 1.0):
        beat(pulse, now)
    assert pulse.unanswered_s == 3 * TIMING.heartbeat_s
    pulse.came_back()
    assert pulse.unanswered_s == 0.0


def test_a_pause_in_beating_is_nobody_elses_silence() -> None:
    pulse = Pulse("a", TIMING)
    pulse.start(0.0)
    beat(pulse, 0.0)
    beat(pulse, 60.0)
    assert pulse.unanswered_s == 2 * TIMING.heartbeat_s


def test_what_was_unanswered_is_forgotten_with_its_link() -> None:
    pulse = Pulse("a", TIMING)
    pulse.start(0.0)
    beat(pulse, 0.0)
    pulse.stop()
    assert pulse.unanswered_s == 0.0
