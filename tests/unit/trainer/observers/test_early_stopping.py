from collections.abc import Sequence

import pytest

from tests.unit.trainer.observers.reports import no_snapshot, report
from trainer.observers import EarlyStopping
from trainer.training.progress import EpochReport


def _stops_at(reports: Sequence[EpochReport], *, patience: int) -> int | None:
    stopping = EarlyStopping(patience=patience, last_step="all")
    for each in reports:
        stopping.epoch_done(each, no_snapshot)
        if stopping.should_stop():
            return each.number
    return None


def _worst(*accuracies: float, step: str = "all") -> list[EpochReport]:
    return [
        report(number, {"a": 0.9, "b": accuracy}, step=step)
        for number, accuracy in enumerate(accuracies, start=1)
    ]


@pytest.mark.parametrize(
    ("accuracies", "patience", "stop"),
    [
        ((0.1, 0.2, 0.3, 0.4), 1, None),
        ((0.1, 0.2, 0.2, 0.3), 1, 3),
        ((0.1, 0.2, 0.2, 0.3, 0.3, 0.3), 2, 6),
        ((0.5, 0.4, 0.3), 2, 3),
        ((0.5, 0.4, 0.6, 0.6), 2, None),
    ],
)
def test_it_stops_once_the_worst_sub_network_gets_no_better(
    accuracies: tuple[float, ...], patience: int, stop: int | None
) -> None:
    assert _stops_at(_worst(*accuracies), patience=patience) == stop


def test_steps_before_the_last_are_not_watched() -> None:
    assert _stops_at(_worst(0.5, 0.4, 0.3, 0.2, step="lower50"), patience=1) is None


def test_a_resumed_training_is_as_patient_as_one_that_went_through() -> None:
    reports = _worst(0.5, 0.4, 0.3, 0.2)
    resumed = EarlyStopping(patience=3, last_step="all", earlier=reports[:3])
    assert not resumed.should_stop()
    resumed.epoch_done(reports[3], no_snapshot)
    assert resumed.should_stop()
