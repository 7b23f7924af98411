from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fluid.bench.slow_model import next_channels, noise_folder, noise_images
from fluid.bundle import Bundle


@pytest.mark.parametrize("took_ms", [4.0, 5.0, 6.5])
def test_about_5_ms_is_near_enough(took_ms: float) -> None:
    assert next_channels(320, took_ms=took_ms) == 320


def test_work_grows_with_the_square_of_the_channels() -> None:
    assert next_channels(320, took_ms=1.25) == 640
    assert next_channels(640, took_ms=20.0) == 320


def test_channels_stay_within_what_can_be_trained() -> None:
    assert next_channels(320, took_ms=0.001) == 2048
    assert next_channels(320, took_ms=1e6) == 8


def test_the_noise_is_a_data_set_in_three_splits(tmp_path: Path) -> None:
    noise = noise_folder(tmp_path)
    assert sorted(each.name for each in noise.iterdir()) == ["test", "train", "validation"]
    pictures = list(noise.glob("train/class1/*.png"))
    assert pictures
    with Image.open(pictures[0]) as picture:
        assert (picture.size, picture.mode) == ((28, 28), "L")


def test_images_have_the_form_that_the_bundle_takes(
    bundle_folder: Path, bundle: Bundle, tmp_path: Path
) -> None:
    noise_images(bundle_folder, tmp_path / "images.npz")
    with np.load(tmp_path / "images.npz") as arrays:
        assert arrays["images"].shape[1:] == bundle.manifest.input.shape
        assert len(arrays["images"]) == len(arrays["labels"])
