from pathlib import Path

import pytest

from tests.unit.trainer.comparison.examples import ENVIRONMENT, result, trainings
from trainer.comparison.contenders import Training
from trainer.comparison.results import Refusal, Result
from trainer.comparison.running import run_trainings
from trainer.comparison.store import ResultStore
from trainer.errors import ExportError, ParityError

TRAININGS = trainings(seeds=2)


class FakeTrainer:
    """Trains in no time; raises what `failures` has for a training's number among all."""

    def __init__(self, failures: dict[int, BaseException] | None = None) -> None:
        self.asked: list[Training] = []
        self._failures = failures or {}

    def __call__(self, training: Training) -> Result:
        self.asked.append(training)
        failure = self._failures.get(TRAININGS.index(training))
        if failure is not None:
            raise failure
        return result(training.contender, training.settings.seed)


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return ResultStore(tmp_path, "digest of the data", ENVIRONMENT)


def test_every_training_is_run_in_order_and_told(store: ResultStore) -> None:
    trainer, said = FakeTrainer(), list[str]()
    results, refusals = run_trainings(TRAININGS, store=store, train=trainer, say=said.append)
    assert trainer.asked == list(TRAININGS)
    assert [(each.contender, each.seed) for each in results] == [
        (each.contender.name, each.settings.seed) for each in TRAININGS
    ]
    assert refusals == ()
    assert said[:3] == [
        "1 of 8: static, seed 0",
        "static, seed 0: 10.0 s of training",
        "2 of 8: dynamic, seed 0",
    ]


def test_an_interrupted_comparison_goes_on_without_training_again(store: ResultStore) -> None:
    interrupted = FakeTrainer({3: KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        run_trainings(TRAININGS, store=store, train=interrupted, say=lambda _line: None)

    resumed, said = FakeTrainer(), list[str]()
    results, _ = run_trainings(TRAININGS, store=store, train=resumed, say=said.append)
    assert resumed.asked == list(TRAININGS[3:])
    assert len(results) == 8
    assert said[:4] == [
        "1 of 8: static, seed 0: done in an earlier run",
        "2 of 8: dynamic, seed 0: done in an earlier run",
        "3 of 8: fluid nested-incremental, seed 0: done in an earlier run",
        "4 of 8: fluid joint, seed 0",
    ]


@pytest.mark.parametrize("error", [ExportError("no operator"), ParityError("no operator")])
def test_a_refused_network_does_not_take_the_others_along(
    store: ResultStore, error: Exception
) -> None:
    trainer, said = FakeTrainer({1: error}), list[str]()
    results, refusals = run_trainings(TRAININGS, store=store, train=trainer, say=said.append)
    assert len(results) == 7
    assert refusals == (Refusal("dynamic", 0, "no operator"),)
    assert "dynamic, seed 0: refused: no operator" in said

    again = FakeTrainer()
    results, refusals = run_trainings(TRAININGS, store=store, train=again, say=said.append)
    assert again.asked == [TRAININGS[1]]
    assert (len(results), refusals) == (8, ())


def test_a_mistake_of_our_own_is_not_taken_for_a_refusal(store: ResultStore) -> None:
    trainer = FakeTrainer({0: ValueError("a wrong argument")})
    with pytest.raises(ValueError, match="a wrong argument"):
        run_trainings(TRAININGS, store=store, train=trainer, say=lambda _line: None)
