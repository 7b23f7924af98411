import numpy as np

from trainer.data import Dataset, load_dataset


def test_the_splits_have_the_documented_sizes_and_pixel_range(digits: Dataset) -> None:
    assert (len(digits.train), len(digits.validation), len(digits.test)) == (1257, 180, 360)
    assert digits.image_shape == (8, 8, 1)
    assert digits.classes == tuple("0123456789")
    assert (digits.train.images.min(), digits.train.images.max()) == (0, 255)


def test_the_splits_are_disjoint(digits: Dataset) -> None:
    from sklearn.datasets import load_digits  # noqa: PLC0415 - slow to import; only needed here

    source = np.rint(load_digits().images * 255 / 16).astype(np.uint8)
    splits = (digits.train, digits.validation, digits.test)
    # The same images as often as in the source: each is in exactly one split.
    assert sorted(image.tobytes() for split in splits for image in split.images) == sorted(
        image.tobytes() for image in source
    )


def test_every_class_has_its_share_of_the_test_split(digits: Dataset) -> None:
    assert set(np.bincount(digits.test.labels)) <= {34, 35, 36, 37}


def test_every_load_cuts_the_same_splits(digits: Dataset) -> None:
    again = load_dataset("digits")
    np.testing.assert_array_equal(again.test.images, digits.test.images)
    np.testing.assert_array_equal(again.validation.labels, digits.validation.labels)
