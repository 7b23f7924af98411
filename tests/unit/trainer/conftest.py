"""What many tests of the trainer share: trained families, and a place for a user's modules."""

import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.trained import Trained, train_family_briefly
from trainer.data import Dataset
from trainer.pipeline import TrainingResult
from trainer.topology import Topology

TrainedFamily = Callable[[Topology], TrainingResult]


@pytest.fixture(scope="session")
def trained_family(digits: Dataset, trained: Trained) -> TrainedFamily:
    """A briefly trained network of a topology with its bundle; trained when first asked for."""

    @cache
    def find(topology: Topology) -> TrainingResult:
        if topology == trained.network.topology:
            return trained.result
        return train_family_briefly(digits, topology)

    return find


@pytest.fixture
def current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """One that is not on the path, as for a command; what is imported from it is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each != ""])
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]
