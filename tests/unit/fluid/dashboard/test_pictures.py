import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fluid.codec import DecodeLimits
from fluid.dashboard.pictures import as_digit, png, read_grey

LIMITS = DecodeLimits()
Grey = NDArray[np.uint8]


def drawn(*, size: int = 280, top: int = 20, left: int = 200) -> Grey:
    """A bar that stands somewhere: 160 high, 40 wide."""
    grey = np.zeros((size, size), np.uint8)
    grey[top : top + 160, left : left + 40] = 255
    return grey


def centre_of_mass(grey: Grey) -> tuple[float, float]:
    rows, columns = np.nonzero(grey)
    weights = grey[rows, columns].astype(float)
    return float(np.average(rows, weights=weights)), float(np.average(columns, weights=weights))


def digit_of(grey: Grey, *, height: int = 28, width: int = 28) -> Grey:
    digit = as_digit(grey, height=height, width=width)
    assert digit is not None
    assert digit.shape == (height, width)
    assert digit.dtype == np.uint8
    return digit


def extent(grey: Grey) -> tuple[int, int]:
    rows, columns = np.nonzero(grey > 60)
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def test_a_digit_fills_the_box_of_mnist_wherever_it_was_drawn() -> None:
    digit = digit_of(drawn())
    assert extent(digit) == (20, 5)
    assert centre_of_mass(digit) == pytest.approx((13.5, 13.5), abs=0.6)
    assert np.array_equal(digit, digit_of(drawn(top=90, left=10)))


def test_the_centre_of_mass_is_in_the_middle_and_not_that_of_the_box() -> None:
    grey = drawn(left=100)
    grey[20:60, 100:220] = 255  # as the upper stroke of a 7
    digit = digit_of(grey)
    assert centre_of_mass(digit) == pytest.approx((13.5, 13.5), abs=0.6)


def test_dark_ink_on_paper_is_turned_round() -> None:
    paper = (235 - drawn() * 0.75).astype(np.uint8)
    assert np.abs(digit_of(paper).astype(int) - digit_of(drawn())).max() <= 2


def test_a_small_frame_is_filled() -> None:
    assert extent(digit_of(drawn(), height=8, width=8))[0] == 8


def test_a_frame_need_not_be_square() -> None:
    assert extent(digit_of(drawn(), height=28, width=40)) == (20, 5)


@pytest.mark.parametrize("ground", [0, 10, 255])
def test_where_there_is_no_ink_there_is_no_digit(ground: int) -> None:
    assert as_digit(np.full((280, 280), ground, np.uint8), height=28, width=28) is None


def test_a_png_is_read_as_it_was_written() -> None:
    read = read_grey(png(drawn()), LIMITS)
    assert read is not None
    assert np.array_equal(read, drawn())


def test_what_is_transparent_is_black() -> None:
    layered = np.zeros((4, 4, 4), np.uint8)
    layered[..., :3] = 255
    layered[0, 0, 3] = 255
    buffer = io.BytesIO()
    Image.fromarray(layered).save(buffer, format="PNG")
    read = read_grey(buffer.getvalue(), LIMITS)
    assert read is not None
    assert read[0, 0] == 255
    assert read.sum() == 255


def test_of_16_bits_the_high_ones_are_kept() -> None:
    buffer = io.BytesIO()
    Image.fromarray(drawn().astype(np.uint16) * 0x80).save(buffer, format="PNG")
    read = read_grey(buffer.getvalue(), LIMITS)
    assert read is not None
    assert read.max() == 0x7F


def test_a_photo_is_turned_upright() -> None:
    read = read_grey(_jpeg(b"\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"), LIMITS)
    assert read is not None
    assert read.shape == (16, 8)


def test_damaged_metadata_is_no_reason_not_to_read_a_picture() -> None:
    read = read_grey(_jpeg(b"\x12\x01\x05\x00\x01\x00\x00\x00\xff\xff\xff\x7f"), LIMITS)
    assert read is not None
    assert read.shape == (8, 16)


def _jpeg(entry: bytes) -> bytes:
    """A JPEG of 16 x 8 whose EXIF has this one entry."""
    exif = b"Exif\0\0II*\x00\x08\x00\x00\x00\x01\x00" + entry + bytes(4)
    buffer = io.BytesIO()
    Image.new("L", (16, 8)).save(buffer, format="JPEG", exif=exif)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GIF89a", id="another format"),
        pytest.param(png(drawn())[:200], id="cut short"),
    ],
)
def test_what_is_no_picture_is_none(payload: bytes) -> None:
    assert read_grey(payload, LIMITS) is None


def test_a_picture_with_too_many_pixels_is_not_decoded() -> None:
    assert read_grey(png(drawn()), DecodeLimits(max_pixels=280 * 280 - 1)) is None
