import numpy as np

from trainer.data import Images
from trainer.data.augmentation import shifted


def _dots(count: int) -> Images:
    """Black 5x5 images of two channels with one bright pixel in the middle of the first."""
    images = np.zeros((count, 5, 5, 2), dtype=np.uint8)
    images[:, 2, 2, 0] = 255
    return images


def test_each_image_moves_by_its_own_shift_and_no_further() -> None:
    moved = shifted(_dots(500), max_shift_px=1, generator=np.random.default_rng(0))
    assert moved.shape == (500, 5, 5, 2)
    assert moved.dtype == np.uint8
    index, row, column, channel = np.nonzero(moved)
    assert index.tolist() == list(range(500))
    assert {*zip(row.tolist(), column.tolist(), strict=True)} == {
        (y, x) for y in (1, 2, 3) for x in (1, 2, 3)
    }
    assert not channel.any()


def test_what_leaves_the_image_is_gone_and_black_comes_in() -> None:
    moved = shifted(_dots(500), max_shift_px=3, generator=np.random.default_rng(0))
    assert set(moved.sum(axis=(1, 2, 3)).tolist()) == {0, 255}


def test_no_shift_leaves_images_as_they_are() -> None:
    images = np.random.default_rng(1).integers(0, 256, (9, 4, 3, 1), dtype=np.uint8)
    moved = shifted(images, max_shift_px=0, generator=np.random.default_rng(0))
    np.testing.assert_array_equal(moved, images)
