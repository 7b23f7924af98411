"""What tests of every kind share: one data set, one trained network, one bundle of it."""

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from fluid.bundle import Bundle, write_bundle
from fluid.interpreter import InterpreterPackage, find_interpreter
from tests.trained import Trained, TrainedFamily, train_briefly, train_family_briefly

if TYPE_CHECKING:
    from trainer.data import Dataset
    from trainer.pipeline import TrainingResult
    from trainer.topology import Topology

# A change is judged by the examples of the last one. HYPOTHESIS_PROFILE=default draws new ones.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture(scope="session")
def digits() -> "Dataset":
    from trainer.data import load_dataset  # noqa: PLC0415 - imports scikit-learn

    return load_dataset("digits")


@pytest.fixture(scope="session")
def package() -> InterpreterPackage:
    return find_interpreter()


@pytest.fixture(scope="session")
def trained(digits: "Dataset") -> Trained:
    return train_briefly(digits)


@pytest.fixture(scope="session")
def trained_family(digits: "Dataset", trained: Trained) -> TrainedFamily:
    """A briefly trained network of a topology with its bundle; trained when first asked for."""

    @cache
    def find(topology: "Topology") -> "TrainingResult":
        if topology == trained.network.topology:
            return trained.result
        return train_family_briefly(digits, topology)

    return find


@pytest.fixture(scope="session")
def bundle(trained: Trained) -> Bundle:
    return trained.result.bundle


@pytest.fixture(scope="session")
def bundle_folder(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle as `fluid train` writes it."""
    folder = tmp_path_factory.mktemp("bundle")
    write_bundle(folder, bundle)
    return folder
