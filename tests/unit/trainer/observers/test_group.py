from collections.abc import Callable

from tests.unit.trainer.observers.reports import report, snapshot
from trainer.observers import ObserverGroup
from trainer.training.progress import EpochReport, SilentObserver
from trainer.training.snapshot import Snapshot


class _Listener(SilentObserver):
    def __init__(self, name: str, heard: list[tuple[str, object]], *, stop: bool = False) -> None:
        self._name, self._heard, self._stop = name, heard, stop

    def begin(self, epochs: int, *, done: int) -> None:
        self._heard.append((self._name, (epochs, done)))

    def epoch_done(self, report: EpochReport, snapshot: Callable[[], Snapshot]) -> None:
        self._heard.append((self._name, (report.number, snapshot().epochs_done)))

    def should_stop(self) -> bool:
        return self._stop


def test_all_hear_everything_in_the_order_given() -> None:
    heard: list[tuple[str, object]] = []
    group = ObserverGroup([_Listener("a", heard), _Listener("b", heard)])
    group.begin(9, done=4)
    group.epoch_done(report(5), snapshot)
    assert heard == [("a", (9, 4)), ("b", (9, 4)), ("a", (5, 3)), ("b", (5, 3))]


def test_any_of_them_stops_training() -> None:
    assert not ObserverGroup([SilentObserver(), _Listener("a", [])]).should_stop()
    assert ObserverGroup([SilentObserver(), _Listener("a", [], stop=True)]).should_stop()
