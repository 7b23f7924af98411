import pytest

from trainer.data import dataset_names, load_dataset
from trainer.errors import UnknownDataset


def test_an_unknown_data_set_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownDataset, match="no data set 'cats': choose one of digits, mnist"):
        load_dataset("cats")
    assert dataset_names() == ("digits", "mnist")
