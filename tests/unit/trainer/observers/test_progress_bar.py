import io

from rich.console import Console

from tests.unit.trainer.observers.reports import no_snapshot, report
from trainer.observers import progress_bar


def _shown(*, done: int) -> str:
    console = Console(file=io.StringIO(), width=100)
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
    assert shown.endswith("\n")


def test_a_resumed_training_begins_where_it_was() -> None:
    assert "5/8" in _shown(done=4)
