from pathlib import Path

import numpy as np
import pytest

from fluid.bundle import load_bundle
from tests.chaos.pictures import load_pictures

MANIFEST = load_bundle(Path(__file__).parents[2] / "models" / "mnist").manifest


def test_without_data_it_is_the_same_noise_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLUID_DATA_DIR", raising=False)
    pictures, what = load_pictures(MANIFEST)
    assert what == "images of noise"
    assert pictures.dtype == np.uint8
    assert pictures.shape[1:] == (28, 28, 1)
    assert np.array_equal(pictures, load_pictures(MANIFEST)[0])


def test_where_there_is_mnist_it_is_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    test_images = np.arange(3 * 28 * 28, dtype=np.uint8).reshape(3, 28, 28)
    np.savez(tmp_path / "mnist.npz", x_test=test_images)
    monkeypatch.setenv("FLUID_DATA_DIR", str(tmp_path))
    pictures, what = load_pictures(MANIFEST)
    assert what == "images of the MNIST test set"
    assert np.array_equal(pictures[..., 0], test_images)
