"""Epochs that nobody trained, for observers to hear of."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from trainer.training.progress import EpochReport
from trainer.training.snapshot import Snapshot


def report(
    number: int,
    validation: Mapping[str, float] | None = None,
    *,
    step: str = "all",
    in_round: int = 1,
    loss: float = 0.5,
) -> EpochReport:
    return EpochReport(number, step, in_round, loss, validation or {"lower50": 0.5, "100": 0.75})


def snapshot(epochs_done: int = 3) -> Snapshot:
    arrays: dict[str, NDArray[np.generic]] = {
        "network/0": np.arange(6, dtype=np.float32).reshape(2, 3),
        "network/1": np.array(7, dtype=np.int64),
        "best/0": np.zeros((0, 4), dtype=np.float32),
    }
    notes = {"generator": np.random.default_rng(5).bit_generator.state, "best": {"round": 1}}
    return Snapshot(epochs_done, arrays, notes, "of this plan")


def no_snapshot() -> Snapshot:
    raise AssertionError("this observer needs no snapshot, and taking one costs time")
