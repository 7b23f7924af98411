import numpy as np
import pytest

from trainer.data import AUGMENTATIONS, Augmentation, Images, augmented

SHIFTED_BY_1_PX = Augmentation(max_shift=1 / 5, black_border=True)


def _generator() -> np.random.Generator:
    return np.random.default_rng(0)


def _dots(count: int) -> Images:
    """Black 5x5 images of two channels with one bright pixel in the middle of the first."""
    images = np.zeros((count, 5, 5, 2), dtype=np.uint8)
    images[:, 2, 2, 0] = 255
    return images


def _noise(count: int) -> Images:
    return np.random.default_rng(1).integers(0, 256, (count, 8, 6, 3), dtype=np.uint8)


def test_each_image_moves_by_its_own_shift_and_no_further() -> None:
    moved = augmented(_dots(500), SHIFTED_BY_1_PX, generator=_generator())
    assert moved.shape == (500, 5, 5, 2)
    assert moved.dtype == np.uint8
    index, row, column, channel = np.nonzero(moved)
    assert index.tolist() == list(range(500))
    assert {*zip(row.tolist(), column.tolist(), strict=True)} == {
        (y, x) for y in (1, 2, 3) for x in (1, 2, 3)
    }
    assert not channel.any()


def test_what_leaves_the_image_is_gone_and_black_comes_in() -> None:
    far = Augmentation(max_shift=3 / 5, black_border=True)
    moved = augmented(_dots(500), far, generator=_generator())
    assert set(moved.sum(axis=(1, 2, 3)).tolist()) == {0, 255}


def test_a_border_that_is_not_black_is_repeated() -> None:
    white = np.full((50, 6, 6, 1), 255, dtype=np.uint8)
    moved = augmented(white, Augmentation(max_shift=0.3, max_zoom=0.2), generator=_generator())
    assert moved.min() == 255


@pytest.mark.parametrize(("length_px", "shift_px"), [(8, 1), (28, 2), (56, 4)])
def test_digits_move_by_one_or_two_pixels_and_are_never_mirrored(
    length_px: int, shift_px: int
) -> None:
    assert AUGMENTATIONS["shifts"].max_shift_px(length_px) == shift_px
    assert not AUGMENTATIONS["shifts"].mirrored


def test_mirroring_exchanges_left_and_right_of_about_half_the_images() -> None:
    images = _noise(400)
    changed = augmented(images, Augmentation(mirrored=True), generator=_generator())
    kept = (changed == images).all(axis=(1, 2, 3))
    turned = (changed == images[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (kept | turned).all()
    assert 150 < kept.sum() < 250


def test_zooming_keeps_a_centred_blob_centred_and_changes_its_size() -> None:
    images = np.zeros((200, 21, 21, 1), dtype=np.uint8)
    images[:, 7:14, 7:14] = 200
    zoomed = augmented(images, Augmentation(max_zoom=0.3), generator=_generator()).astype(float)
    areas = zoomed.sum(axis=(1, 2, 3)) / 200
    assert areas.min() < 35  # of 49
    assert areas.max() > 65
    np.testing.assert_allclose(zoomed, zoomed[:, ::-1, ::-1], atol=1)


def test_brightness_scales_every_pixel_of_an_image_alike() -> None:
    images = np.full((300, 2, 2, 3), 100, dtype=np.uint8)
    changed = augmented(images, Augmentation(max_brightness=0.2), generator=_generator())
    levels = changed.reshape(300, -1)
    assert (levels == levels[:, :1]).all()
    assert 80 <= levels.min() < 90
    assert 110 < levels.max() <= 120


@pytest.mark.parametrize("augmentation", AUGMENTATIONS.values(), ids=AUGMENTATIONS)
def test_equal_generators_give_equal_images(augmentation: Augmentation) -> None:
    once, again = (augmented(_noise(600), augmentation, generator=_generator()) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert once.shape == (600, 8, 6, 3)
    assert once.dtype == np.uint8


def test_no_augmentation_leaves_images_as_they_are() -> None:
    images = _noise(9)
    changed = augmented(images, Augmentation(), generator=_generator())
    np.testing.assert_array_equal(changed, images)
