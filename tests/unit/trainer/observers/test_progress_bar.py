import io

from rich.console import Console

from tests.unit.trainer.observers.reports import no_snapshot, report
from trainer.observers import progress_bar


def _shown(*, done: int) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    with progress_bar(console) as bar:
        bar.begin(8, done=done)
        bar.epoch_done(report(done + 1), no_snapshot)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_it_says_what_learns_how_far_it_is_and_how_well_each_does() -> None:
    shown = _shown(done=0)
    assert "training all" in shown
    assert "1/8" in shown
    assert "loss 0.500" in shown
    assert "validation: lower50 50.0%  100 75.0%" in shown


def test_a_resumed_training_begins_where_it_was() -> None:
    assert "5/8" in _shown(done=4)


def test_where_there_is_no_terminal_it_is_told_in_lines() -> None:
    log = io.StringIO()
    with progress_bar(Console(file=log, width=40)) as observer:
        observer.begin(2, done=0)
        for number in (1, 2):
            observer.epoch_done(report(number), no_snapshot)
    validation = "validation: lower50 50.0%  100 75.0%"
    assert log.getvalue().splitlines() == [
        f"training all: 1/2, loss 0.500; {validation}",
        f"training all: 2/2, loss 0.500; {validation}",
    ]
