import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.data import Dataset
from trainer.data.dataset import Split, stratified_split
from trainer.errors import DatasetError


def _split_of(labels: list[int]) -> Split:
    """Images whose only pixel is their index, so that a cut can be traced back."""
    images = np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1, 1)
    return Split(images, np.array(labels, dtype=np.int64))


@given(
    labels=st.lists(st.integers(0, 4), min_size=2, max_size=200),
    share=st.floats(0, 1),
    seed=st.integers(0, 9),
)
def test_a_stratified_cut_is_disjoint_complete_and_exact(
    labels: list[int], share: float, seed: int
) -> None:
    held_out = int(share * len(labels))
    rest, cut = stratified_split(_split_of(labels), held_out=held_out, seed=seed)
    assert len(cut) == held_out
    indices = np.concatenate([rest.images.ravel(), cut.images.ravel()])
    assert sorted(indices.tolist()) == list(range(len(labels)))
    for label in set(labels):
        fair = labels.count(label) * held_out / len(labels)
        assert abs(np.count_nonzero(cut.labels == label) - fair) < 1


def test_equal_seeds_give_equal_cuts_and_others_differ() -> None:
    split = _split_of([0, 1] * 50)
    cuts = [stratified_split(split, held_out=20, seed=seed)[1] for seed in (1, 1, 2)]
    np.testing.assert_array_equal(cuts[0].images, cuts[1].images)
    assert not np.array_equal(cuts[0].images, cuts[2].images)


def test_labels_stay_with_their_images() -> None:
    labels = [3, 1, 2, 0] * 10
    for part in stratified_split(_split_of(labels), held_out=12, seed=0):
        assert [labels[index] for index in part.images.ravel()] == part.labels.tolist()


def test_images_of_another_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="must be uint8"):
        Split(np.zeros((1, 2, 2)), np.zeros(1, dtype=np.int64))  # type: ignore[arg-type] # the point
    with pytest.raises(ValueError, match="1 images but labels"):
        Split(np.zeros((1, 2, 2, 1), dtype=np.uint8), np.zeros(2, dtype=np.int64))


def test_an_unknown_split_is_refused_by_name(digits: Dataset) -> None:
    assert digits.split("validation") is digits.validation
    with pytest.raises(DatasetError, match="no split 'dev'"):
        digits.split("dev")
