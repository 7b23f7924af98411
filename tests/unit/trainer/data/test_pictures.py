"""Pictures are read as they are served, and the form is chosen as a person would."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fluid.bundle import InputSpec
from fluid.codec import Decoded, DecodeFailure, DecodeLimits, decode_images
from trainer.data.picture_form import PictureForm
from trainer.data.pictures import Picture, choose_form, read_picture
from trainer.errors import DatasetError

SPEC = InputSpec((16, 12, 3), resize="bilinear")


def _save(path: Path, pixels: NDArray[np.uint8], *, orientation: int | None = None) -> Path:
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, exif=exif)
    return path


def _photo(height: int, width: int, *, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def _grey(height: int, width: int) -> NDArray[np.uint8]:
    return np.repeat(_photo(height, width)[..., :1], 3, axis=2)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("orientation", [None, 1, 6])
def test_what_is_learnt_from_is_what_is_served(
    tmp_path: Path, suffix: str, channels: int, orientation: int | None
) -> None:
    path = _save(tmp_path / f"photo.{suffix}", _photo(40, 57), orientation=orientation)
    spec = InputSpec((16, 12, channels), resize="bilinear")
    picture = read_picture(path, spec)
    served = decode_images(path.read_bytes(), spec, DecodeLimits())
    assert isinstance(picture, Picture)
    assert isinstance(served, Decoded)
    np.testing.assert_array_equal(picture.pixels, served.images[0])


def test_a_photo_is_turned_upright(tmp_path: Path) -> None:
    pixels = np.zeros((20, 10, 3), dtype=np.uint8)
    pixels[:10] = 255  # white above black as stored
    picture = read_picture(_save(tmp_path / "a.png", pixels, orientation=3), SPEC)
    assert isinstance(picture, Picture)
    assert picture.pixels[0].max() == 0
    assert picture.pixels[-1].min() == 255


def test_bytes_that_are_no_picture_are_no_raw_pixels_either(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8\xff" + bytes(SPEC.size_bytes - 3))
    assert isinstance(read_picture(path, SPEC), DecodeFailure)
    path.write_bytes(bytes(SPEC.size_bytes))
    assert isinstance(read_picture(path, SPEC), DecodeFailure)


def test_a_file_that_the_system_refuses_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"a\.png: cannot be read \(No such file"):
        read_picture(tmp_path / "a.png", SPEC)


@pytest.mark.parametrize(
    ("sizes", "chosen"),
    [
        ([(28, 28)] * 3, (28, 28)),  # small and all the same: as they are
        ([(20, 90)] * 3, (20, 90)),
        ([(200, 300), (400, 300), (480, 640)], (64, 64)),
        ([(50, 90), (60, 50), (52, 52)], (48, 48)),
        ([(10, 12), (12, 10)], (32, 32)),
    ],
)
def test_the_size_follows_from_the_pictures(
    tmp_path: Path, sizes: list[tuple[int, int]], chosen: tuple[int, int]
) -> None:
    paths = [_save(tmp_path / f"{i}.png", _photo(*size)) for i, size in enumerate(sizes)]
    assert choose_form(paths, PictureForm()).spec.shape == (*chosen, 3)
    assert choose_form(paths, PictureForm((40, 44))).spec.shape == (40, 44, 3)


def test_one_coloured_picture_makes_it_rgb(tmp_path: Path) -> None:
    paths = [_save(tmp_path / f"{i}.jpg", _grey(30, 30)) for i in range(3)]
    assert choose_form(paths, PictureForm()).spec.shape == (30, 30, 1)
    paths.append(_save(tmp_path / "colour.jpg", _photo(30, 30)))
    assert choose_form(paths, PictureForm()).spec.shape == (30, 30, 3)
    assert choose_form(paths, PictureForm(channels=1)).spec.shape == (30, 30, 1)


def test_the_reason_is_given(tmp_path: Path) -> None:
    paths = [_save(tmp_path / f"{i}.png", _photo(50, 70)) for i in range(3)]
    assert choose_form(paths, PictureForm()).reason == (
        "3 of the pictures were looked at; their median size is 50x70, 3 show colours"
    )


def test_pictures_that_cannot_be_read_decide_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(DatasetError, match="none of the pictures looked at can be read"):
        choose_form([tmp_path / "a.png"], PictureForm())
