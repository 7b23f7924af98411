from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fluid.bench.slow_model import (
    find_channels,
    is_near_enough,
    kept_channels,
    next_channels,
    noise_folder,
    noise_images,
)
from fluid.bundle import Bundle
from trainer.data import load_dataset


@pytest.mark.parametrize("took_ms", [4.0, 5.0, 6.5])
def test_about_5_ms_is_near_enough(took_ms: float) -> None:
    assert next_channels(320, took_ms=took_ms) == 320


def test_work_grows_with_the_square_of_the_channels() -> None:
    assert next_channels(320, took_ms=1.25) == 640
    assert next_channels(640, took_ms=20.0) == 320


def test_channels_stay_within_what_can_be_trained() -> None:
    assert next_channels(320, took_ms=0.001) == 2048
    assert next_channels(320, took_ms=1e6) == 8


class Interpreter:
    """Takes 5 ms for 960 channels, times `slowness`, and writes down what was tried."""

    def __init__(self, *, slowness: float = 1.0, fixed_ms: float = 0.0) -> None:
        self._slowness = slowness
        self._fixed_ms = fixed_ms
        self.tried: list[int] = []

    def took_ms(self, channels: int) -> float:
        self.tried.append(channels)
        return self._fixed_ms + 5.0 * self._slowness * (channels / 960) ** 2


@pytest.mark.parametrize("slowness", [0.3, 1, 5, 6.5, 20])
@pytest.mark.parametrize("fixed_ms", [0, 1.5])
def test_a_slower_interpreter_gets_fewer_channels_in_three_trainings_at_most(
    slowness: float, fixed_ms: float
) -> None:
    interpreter = Interpreter(slowness=slowness, fixed_ms=fixed_ms)
    channels = find_channels(interpreter.took_ms, kept=())
    assert interpreter.tried[0] == 960
    assert len(interpreter.tried) <= 3
    assert is_near_enough(interpreter.took_ms(channels))


def test_from_what_another_interpreter_left_one_training_is_enough() -> None:
    interpreter = Interpreter(slowness=5)
    assert find_channels(interpreter.took_ms, kept=[960]) == 432
    assert interpreter.tried == [960, 432]


@pytest.mark.parametrize(("slowness", "channels"), [(1, 960), (5, 432)])
def test_what_is_kept_for_either_interpreter_is_trained_for_neither(
    slowness: float, channels: int
) -> None:
    interpreter = Interpreter(slowness=slowness)
    assert find_channels(interpreter.took_ms, kept=[432, 960]) == channels
    assert set(interpreter.tried) <= {432, 960}


@pytest.mark.parametrize(
    ("took_ms", "nearest"),
    [(lambda channels: 100.0 / channels, 8), (lambda channels: channels / 1e6, 2048)],
    ids=["more take less", "never long enough"],
)
def test_where_nothing_is_near_enough_the_nearest_is_taken_and_nothing_is_tried_twice(
    took_ms: Callable[[int], float], nearest: int
) -> None:
    tried: list[int] = []

    def counted(channels: int) -> float:
        tried.append(channels)
        return took_ms(channels)

    assert find_channels(counted, kept=[8, 2048]) == nearest
    assert len(tried) == len(set(tried))


def test_only_whole_bundles_are_kept_ones(tmp_path: Path) -> None:
    for name in ("slow-960", "slow-432", "slow-x", "mnist"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "bundle.json").touch()
    (tmp_path / "slow-800").mkdir()
    assert kept_channels(tmp_path) == [432, 960]
    assert kept_channels(tmp_path / "missing") == []


def test_the_noise_is_enough_for_the_trainer(tmp_path: Path) -> None:
    dataset = load_dataset(str(noise_folder(tmp_path)))
    assert dataset.classes == ("class0", "class1")
    assert dataset.train.images.shape == (20, 28, 28, 1)


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
