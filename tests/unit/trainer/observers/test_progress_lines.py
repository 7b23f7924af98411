import io

from rich.console import Console

from tests.unit.trainer.observers.reports import no_snapshot, report
from trainer.observers.progress_lines import ProgressLines


def test_a_line_comes_after_the_first_epoch_then_now_and_then_and_after_the_last() -> None:
    log, told = io.StringIO(), []
    # Read as the lines are made, and then once for each epoch.
    moments = iter((0.0, 20.0, 40.0, 79.0, 81.0, 82.0, 83.0))
    lines = ProgressLines(Console(file=log), every_s=60.0, clock=lambda: next(moments))
    lines.begin(10, done=4)
    for number in range(5, 11):
        before = log.tell()
        lines.epoch_done(report(number), no_snapshot)
        if log.tell() > before:
            told.append(number)
    assert told == [5, 8, 10]
