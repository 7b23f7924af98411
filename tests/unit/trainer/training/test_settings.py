import pytest

from trainer.data import dataset_names
from trainer.training.settings import TrainingSettings, default_settings


@pytest.mark.parametrize("dataset", [*dataset_names(), "of somebody else"])
def test_every_data_set_has_settings(dataset: str) -> None:
    assert default_settings(dataset).epochs >= 1


@pytest.mark.parametrize("name", ["epochs", "rounds", "consolidation_factor", "batch_size"])
def test_training_for_nothing_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        TrainingSettings(**{"epochs": 1, name: 0})
