from tests.unit.trainer.observers.reports import no_snapshot, report
from trainer.comparison.stopwatch import Stopwatch


class FakeClock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_time_runs_from_when_it_is_made_to_the_last_epoch() -> None:
    clock = FakeClock()
    stopwatch = Stopwatch(clock)
    clock.now_s = 103.0
    stopwatch.begin(2, done=0)
    for now_s in (110.0, 125.5):
        clock.now_s = now_s
        stopwatch.epoch_done(report(1), no_snapshot)
    clock.now_s = 999.0  # the export
    assert stopwatch.elapsed_s == 25.5
    assert not stopwatch.should_stop()
