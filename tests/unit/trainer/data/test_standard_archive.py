import http.client
import socket
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from trainer.data import load_dataset
from trainer.errors import DatasetError

_TRAIN = 5_010


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLUID_DATA_DIR", str(tmp_path))
    return tmp_path


def _arrays() -> dict[str, NDArray[np.uint8]]:
    """The Keras layout in small; each training image is filled with its index modulo 251."""
    values = (np.arange(_TRAIN) % 251).astype(np.uint8)
    return {
        "x_train": np.broadcast_to(values[:, None, None], (_TRAIN, 28, 28)),
        "y_train": values % 10,
        "x_test": np.zeros((3, 28, 28), dtype=np.uint8),
        "y_test": np.array([1, 2, 3], dtype=np.uint8),
    }


def test_the_last_training_images_are_for_validation(folder: Path) -> None:
    arrays = _arrays()
    np.savez(folder / "mnist.npz", allow_pickle=False, **arrays)
    dataset = load_dataset("mnist")
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (10, 5_000, 3)
    np.testing.assert_array_equal(dataset.train.images[..., 0], arrays["x_train"][:10])
    np.testing.assert_array_equal(dataset.validation.labels, arrays["y_train"][10:])
    assert dataset.image_shape == (28, 28, 1)


def test_a_missing_file_is_named(folder: Path) -> None:
    with pytest.raises(DatasetError, match=r"mnist\.npz: no such file"):
        load_dataset("mnist")


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 cut short"])
def test_a_broken_file_is_named(folder: Path, content: bytes) -> None:
    (folder / "mnist.npz").write_bytes(content)
    with pytest.raises(DatasetError, match=r"mnist\.npz: is not a valid \.npz archive"):
        load_dataset("mnist")


def test_a_truncated_archive_is_named(folder: Path) -> None:
    path = folder / "mnist.npz"
    np.savez(path, allow_pickle=False, **_arrays())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DatasetError, match=r"mnist\.npz: is not a valid \.npz archive"):
        load_dataset("mnist")


def test_a_flipped_byte_in_the_archive_is_found(folder: Path) -> None:
    path = folder / "mnist.npz"
    np.savez(path, allow_pickle=False, **_arrays())
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"mnist\.npz: is not a valid \.npz archive"):
        load_dataset("mnist")


def test_a_lone_array_is_no_archive(folder: Path) -> None:
    with (folder / "mnist.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(DatasetError, match=r"mnist\.npz: is not a valid \.npz archive"):
        load_dataset("mnist")


def test_a_missing_array_is_named(folder: Path) -> None:
    arrays = _arrays()
    del arrays["y_test"]
    np.savez(folder / "mnist.npz", allow_pickle=False, **arrays)
    with pytest.raises(DatasetError, match="must hold the arrays x_train, y_train"):
        load_dataset("mnist")


@pytest.mark.parametrize(
    ("name", "array", "complaint"),
    [
        ("x_test", np.zeros((3, 8, 8), dtype=np.uint8), "must be uint8 28x28"),
        ("x_test", np.zeros((3, 28, 28)), "must be uint8 28x28"),
        ("y_test", np.array([1, 2, 10], dtype=np.uint8), "one label from 0 to 9"),
        ("y_test", np.array([1, 2, -1], dtype=np.int64), "one label from 0 to 9"),
        ("y_test", np.array([1, 2], dtype=np.uint8), "one label from 0 to 9"),
        ("x_train", np.zeros((0, 28, 28), dtype=np.uint8), "one label from 0 to 9"),
    ],
)
def test_arrays_that_are_not_mnist_are_refused(
    folder: Path, name: str, array: NDArray[np.generic], complaint: str
) -> None:
    np.savez(folder / "mnist.npz", allow_pickle=False, **{**_arrays(), name: array})
    with pytest.raises(DatasetError, match=complaint):
        load_dataset("mnist")


class TestDownload:
    """Without a folder, Keras fetches it: here it has fetched nothing before."""

    @pytest.fixture(autouse=True)
    def _nothing_is_there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("FLUID_DATA_DIR", raising=False)
        monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))

    def test_without_a_network_it_says_where_to_put_the_file(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def resolve(*_args: object, **_kwargs: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        with pytest.raises(
            DatasetError, match=r"set FLUID_DATA_DIR to a folder with mnist\.npz"
        ) as caught:
            load_dataset("mnist")
        assert "Name or service not known" in str(caught.value.__cause__)

    @pytest.mark.parametrize(
        "error",
        [
            ValueError("Incomplete or corrupted file detected."),
            ConnectionResetError(),
            http.client.IncompleteRead(b""),
        ],
    )
    def test_a_download_that_breaks_off_says_the_same(
        self, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        _fail_with(monkeypatch, error)
        with pytest.raises(DatasetError, match="set FLUID_DATA_DIR"):
            load_dataset("mnist")

    def test_an_error_of_another_kind_is_not_blamed_on_the_network(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _fail_with(monkeypatch, AttributeError("a bug"))
        with pytest.raises(AttributeError, match="a bug"):
            load_dataset("mnist")


def _fail_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def load_data() -> None:
        raise error

    monkeypatch.setattr("keras.datasets.mnist.load_data", load_data)


def test_fashion_mnist_is_read_from_its_own_file_with_its_own_classes(folder: Path) -> None:
    np.savez(folder / "fashion-mnist.npz", allow_pickle=False, **_arrays())
    dataset = load_dataset("fashion-mnist")
    assert (dataset.name, dataset.image_shape) == ("fashion-mnist", (28, 28, 1))
    assert dataset.classes[0] == "T-shirt/top"
    assert dataset.classes[9] == "Ankle boot"
    assert not dataset.augmentation.mirrored


def test_a_missing_file_of_fashion_mnist_is_named(folder: Path) -> None:
    with pytest.raises(DatasetError, match=r"fashion-mnist\.npz: no such file"):
        load_dataset("fashion-mnist")
