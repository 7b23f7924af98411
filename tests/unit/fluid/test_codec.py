import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from fluid.bundle import InputSpec
from fluid.codec import (
    JPEG_MAGIC,
    PNG_MAGIC,
    Decoded,
    DecodeFailure,
    DecodeLimits,
    Images,
    decode_images,
    decode_picture,
    encode_image,
)
from fluid.errors import ErrorCode, ImageError
from fluid.npy import NPY_MAGIC

GREY = InputSpec(shape=(4, 6, 1))
COLOUR = InputSpec(shape=(4, 6, 3))
SCALING = InputSpec(shape=(4, 6, 1), resize="bilinear")
SCALING_COLOUR = InputSpec(shape=(4, 6, 3), resize="bilinear")
LIMITS = DecodeLimits()

GRADIENT = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10


def decoded(payload: bytes, spec: InputSpec = GREY) -> Images:
    outcome = decode_images(payload, spec, LIMITS)
    assert isinstance(outcome, Decoded), outcome
    assert outcome.images.dtype == np.uint8
    assert outcome.images.shape[1:] == spec.shape
    return outcome.images


def failure(payload: bytes, spec: InputSpec = GREY, limits: DecodeLimits = LIMITS) -> DecodeFailure:
    outcome = decode_images(payload, spec, limits)
    assert isinstance(outcome, DecodeFailure), outcome
    assert "\n" not in outcome.message
    return outcome


def picture_bytes(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, **({"format": "PNG"} | options))  # type: ignore[arg-type] # format-specific
    return buffer.getvalue()


def npy_bytes(array: NDArray[np.generic]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npy_with_header(header: str, data: bytes = b"") -> bytes:
    text = header.encode("latin-1")
    return NPY_MAGIC + b"\x01\x00" + struct.pack("<H", len(text)) + text + data


def png_of_size(width: int, height: int) -> bytes:
    """A PNG whose header promises a size that its few bytes of data do not hold."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(8))) + chunk(b"IEND", b"")
    return PNG_MAGIC + body


class TestFormats:
    def test_png_of_grey_pixels_keeps_them(self) -> None:
        pixels = decoded(picture_bytes(Image.fromarray(GRADIENT)))
        assert np.array_equal(pixels[0, :, :, 0], GRADIENT)

    def test_jpeg_is_close_to_its_pixels(self) -> None:
        flat = np.full((4, 6), 77, np.uint8)
        pixels = decoded(picture_bytes(Image.fromarray(flat), format="JPEG", quality=95))
        assert np.abs(pixels.astype(int) - 77).max() <= 2

    @pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1)])
    def test_npy_of_one_image_is_no_batch(self, shape: tuple[int, ...]) -> None:
        outcome = decode_images(npy_bytes(GRADIENT.reshape(shape)), GREY, LIMITS)
        assert isinstance(outcome, Decoded)
        assert not outcome.is_batch
        assert np.array_equal(outcome.images, GRADIENT.reshape(1, 4, 6, 1))

    @pytest.mark.parametrize("shape", [(3, 4, 6), (3, 4, 6, 1)])
    def test_npy_of_many_images_is_a_batch(self, shape: tuple[int, ...]) -> None:
        batch = np.arange(72, dtype=np.uint8).reshape(shape)
        outcome = decode_images(npy_bytes(batch), GREY, LIMITS)
        assert isinstance(outcome, Decoded)
        assert outcome.is_batch
        assert np.array_equal(outcome.images, batch.reshape(3, 4, 6, 1))

    def test_npy_batch_of_one_is_still_a_batch(self) -> None:
        outcome = decode_images(npy_bytes(GRADIENT.reshape(1, 4, 6)), GREY, LIMITS)
        assert isinstance(outcome, Decoded)
        assert outcome.is_batch

    def test_npy_in_fortran_order_keeps_its_pixels(self) -> None:
        batch = np.arange(144, dtype=np.uint8).reshape(2, 4, 6, 3)
        pixels = decoded(npy_bytes(np.asfortranarray(batch)), COLOUR)
        assert np.array_equal(pixels, batch)
        assert pixels.flags.c_contiguous

    def test_raw_bytes_of_the_exact_size_are_pixels(self) -> None:
        assert np.array_equal(decoded(GRADIENT.tobytes())[0, :, :, 0], GRADIENT)

    @pytest.mark.parametrize("magic", [PNG_MAGIC, JPEG_MAGIC, NPY_MAGIC])
    def test_raw_pixels_that_spell_a_magic_number_are_pixels(self, magic: bytes) -> None:
        raw = magic.ljust(GREY.size_bytes, b"\x07")
        assert decoded(raw).tobytes() == raw

    @pytest.mark.parametrize("resize", ["exact", "bilinear"])
    def test_a_real_png_of_the_raw_size_is_a_png(self, resize: str) -> None:
        png = picture_bytes(Image.new("L", (1, 1), 200))
        spec = InputSpec(shape=(1, len(png), 1), resize=resize)
        outcome = decode_images(png, spec, LIMITS)
        if resize == "exact":
            assert isinstance(outcome, DecodeFailure)
            assert outcome.code is ErrorCode.WRONG_SHAPE
        else:
            assert isinstance(outcome, Decoded)
            assert (outcome.images == 200).all()


class TestColour:
    def test_grey_becomes_equal_channels(self) -> None:
        pixels = decoded(picture_bytes(Image.fromarray(GRADIENT)), COLOUR)
        assert all(np.array_equal(pixels[0, :, :, c], GRADIENT) for c in range(3))

    def test_colour_becomes_luma(self) -> None:
        pixels = decoded(picture_bytes(Image.new("RGB", (6, 4), (255, 0, 0))))
        assert (pixels == 76).all()  # ITU-R 601: 0.299 * 255

    def test_palette_gives_its_colours(self) -> None:
        palette = Image.new("RGB", (6, 4), (10, 200, 30)).quantize(2)
        assert palette.mode == "P"
        pixels = decoded(picture_bytes(palette), COLOUR)
        assert (pixels.reshape(-1, 3) == (10, 200, 30)).all()

    @pytest.mark.parametrize("mode", ["RGBA", "LA"])
    def test_transparent_pixels_are_black_whatever_hides_below(self, mode: str) -> None:
        image = Image.new("RGBA", (6, 4), (255, 255, 255, 0)).convert(mode)
        assert not decoded(picture_bytes(image), COLOUR).any()

    def test_half_transparent_white_is_half_grey(self) -> None:
        image = Image.new("RGBA", (6, 4), (255, 255, 255, 128))
        assert (decoded(picture_bytes(image)) == 128).all()

    def test_a_transparent_palette_entry_is_black(self) -> None:
        palette = Image.new("RGB", (6, 4), (255, 255, 255)).quantize(2)
        assert not decoded(picture_bytes(palette, transparency=bytes([0, 0]))).any()

    def test_16_bit_grey_keeps_the_high_byte(self) -> None:
        deep = Image.fromarray(GRADIENT.astype(np.uint16) * 256 + 255)
        assert np.array_equal(decoded(picture_bytes(deep))[0, :, :, 0], GRADIENT)

    def test_one_bit_is_black_and_white(self) -> None:
        image = Image.fromarray(GRADIENT > 100)
        assert image.mode == "1"
        expected = np.where(GRADIENT > 100, 255, 0)
        assert np.array_equal(decoded(picture_bytes(image))[0, :, :, 0], expected)

    def test_cmyk_jpeg_is_read_as_its_colour(self) -> None:
        image = Image.new("CMYK", (6, 4), (0, 255, 255, 0))  # red
        pixels = decoded(picture_bytes(image, format="JPEG", quality=95), COLOUR)
        assert (pixels[..., 0] > 240).all()
        assert (pixels[..., 1:] < 15).all()


class TestScaling:
    def test_bilinear_scales_to_the_shape(self) -> None:
        pixels = decoded(picture_bytes(Image.new("L", (60, 40), 90)), SCALING)
        assert (pixels == 90).all()

    def test_a_photo_is_turned_upright(self) -> None:
        # Stored with its top row on the right: orientation 6 asks for a quarter turn clockwise.
        upright = np.zeros((40, 60), np.uint8)
        upright[:20] = 255
        exif = Image.Exif()
        exif[0x0112] = 6
        stored = Image.fromarray(np.rot90(upright))
        payload = picture_bytes(stored, format="JPEG", exif=exif, quality=95)
        pixels = decoded(payload, SCALING)
        assert pixels[0, 0].min() > 200
        assert pixels[0, 3].max() < 55

    def test_orientation_is_ignored_where_pixels_are_exact(self) -> None:
        exif = Image.Exif()
        exif[0x0112] = 3
        half = np.zeros((4, 6), np.uint8)
        half[:2] = 255
        pixels = decoded(picture_bytes(Image.fromarray(half), exif=exif))
        assert np.array_equal(pixels[0, :, :, 0], half)

    def test_arrays_are_never_scaled(self) -> None:
        assert failure(npy_bytes(np.zeros((8, 12), np.uint8)), SCALING).code == "wrong_shape"


class TestRefusals:
    def test_empty_payload(self) -> None:
        assert failure(b"").code is ErrorCode.EMPTY_PAYLOAD

    def test_too_many_bytes(self) -> None:
        refused = failure(bytes(25), limits=DecodeLimits(max_bytes=24))
        assert refused.code is ErrorCode.PAYLOAD_TOO_LARGE

    @pytest.mark.parametrize("junk", [b"hello", bytes(23), bytes(25), b"GIF89a" + bytes(50)])
    def test_not_an_image_names_the_formats_and_the_raw_size(self, junk: bytes) -> None:
        refused = failure(junk)
        assert refused.code is ErrorCode.NOT_AN_IMAGE
        assert "PNG, JPEG, .npy" in refused.message
        assert "exactly 24 bytes" in refused.message

    def test_other_formats_that_pillow_knows_are_not_read(self) -> None:
        bitmap = picture_bytes(Image.fromarray(GRADIENT), format="BMP")
        assert failure(bitmap).code is ErrorCode.NOT_AN_IMAGE

    @pytest.mark.parametrize("image_format", ["PNG", "JPEG"])
    def test_a_cut_picture_is_truncated_wherever_it_is_cut(self, image_format: str) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (40, 60), np.uint8)
        whole = picture_bytes(Image.fromarray(noise), format=image_format)
        for length in range(len(PNG_MAGIC), len(whole) * 9 // 10):
            if length == SCALING.size_bytes:
                continue  # taken as raw pixels where it cuts the header
            assert failure(whole[:length], SCALING).code is ErrorCode.TRUNCATED_IMAGE

    def test_a_picture_of_another_size_names_both_sizes(self) -> None:
        refused = failure(picture_bytes(Image.new("L", (7, 5))))
        assert refused.code is ErrorCode.WRONG_SHAPE
        assert "7 x 5" in refused.message
        assert "6 x 4" in refused.message

    @pytest.mark.parametrize("side", [5_000, 12_000, 65_535])
    def test_pixels_are_counted_before_they_are_decoded(self, side: int) -> None:
        # Decoding would say TRUNCATED_IMAGE: the data holds eight bytes.
        assert failure(png_of_size(side, side), SCALING).code is ErrorCode.TOO_MANY_PIXELS

    def test_no_warning_of_a_decompression_bomb_escapes(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            refused = failure(png_of_size(10_000, 10_000), SCALING)
        assert refused.code is ErrorCode.TOO_MANY_PIXELS

    def test_a_picture_without_pixels_is_refused(self) -> None:
        assert failure(png_of_size(0, 4), SCALING).code in {"truncated_image", "not_an_image"}

    @pytest.mark.parametrize(
        "array",
        [
            np.zeros((5, 6), np.uint8),
            np.zeros((2, 5, 6), np.uint8),
            np.zeros((4, 6, 3), np.uint8),
            np.zeros((1, 1, 4, 6, 1), np.uint8),
            np.zeros((), np.uint8),
        ],
    )
    def test_npy_of_another_shape_names_both_shapes(self, array: Images) -> None:
        refused = failure(npy_bytes(array))
        assert refused.code is ErrorCode.WRONG_SHAPE
        assert "x".join(map(str, array.shape)) in refused.message
        assert "4x6x1" in refused.message

    def test_npy_of_grey_images_is_not_spread_over_three_channels(self) -> None:
        assert failure(npy_bytes(GRADIENT), COLOUR).code is ErrorCode.WRONG_SHAPE

    @pytest.mark.parametrize("dtype", [np.float32, np.int8, np.uint16, np.bool_])
    def test_npy_must_hold_uint8(self, dtype: type[np.generic]) -> None:
        refused = failure(npy_bytes(GRADIENT.astype(dtype)))
        assert refused.code is ErrorCode.NOT_AN_IMAGE
        assert "uint8" in refused.message

    def test_npy_of_pickled_objects_is_not_read(self) -> None:
        objects = np.array([["a"] * 6] * 4, dtype=object)
        assert failure(npy_bytes(objects)).code is ErrorCode.NOT_AN_IMAGE

    def test_npy_batch_may_not_be_empty(self) -> None:
        assert failure(npy_bytes(np.zeros((0, 4, 6), np.uint8))).code is ErrorCode.EMPTY_PAYLOAD

    def test_npy_batch_has_a_greatest_length(self) -> None:
        refused = failure(
            npy_bytes(np.zeros((3, 4, 6), np.uint8)), limits=DecodeLimits(max_batch=2)
        )
        assert refused.code is ErrorCode.PAYLOAD_TOO_LARGE

    def test_npy_that_promises_more_than_it_carries_is_truncated(self) -> None:
        header = "{'descr': '|u1', 'fortran_order': False, 'shape': (100, 4, 6), }"
        assert failure(npy_with_header(header, bytes(24))).code is ErrorCode.TRUNCATED_IMAGE

    def test_npy_with_bytes_to_spare_is_refused(self) -> None:
        assert failure(npy_bytes(GRADIENT) + b"!").code is ErrorCode.NOT_AN_IMAGE


MUTABLE = [
    picture_bytes(Image.fromarray(GRADIENT)),
    picture_bytes(Image.fromarray(GRADIENT).quantize(4), transparency=0),
    picture_bytes(Image.fromarray(GRADIENT), format="JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\1"),
    picture_bytes(Image.fromarray(GRADIENT).convert("CMYK"), format="JPEG"),
    npy_bytes(GRADIENT),
    npy_bytes(np.zeros((2, 4, 6, 3), np.uint8)),
]


class TestAnyBytes:
    @given(st.binary(max_size=200), st.sampled_from([GREY, COLOUR, SCALING]))
    def test_decoding_arbitrary_bytes_never_raises(self, payload: bytes, spec: InputSpec) -> None:
        self.decode(payload, spec)

    @given(
        st.sampled_from([PNG_MAGIC, JPEG_MAGIC, NPY_MAGIC + b"\x01\x00"]),
        st.binary(max_size=200),
        st.sampled_from([GREY, SCALING_COLOUR]),
    )
    def test_decoding_what_begins_well_never_raises(
        self, magic: bytes, rest: bytes, spec: InputSpec
    ) -> None:
        self.decode(magic + rest, spec)

    @given(
        st.sampled_from(MUTABLE),
        st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=4)), max_size=4),
        st.sampled_from([GREY, SCALING, SCALING_COLOUR]),
    )
    def test_decoding_damaged_images_never_raises(
        self, original: bytes, edits: list[tuple[int, bytes]], spec: InputSpec
    ) -> None:
        damaged = bytearray(original)
        for position, patch in edits:
            start = position % len(damaged)
            damaged[start : start + len(patch)] = patch
        self.decode(bytes(damaged), spec)

    @given(
        st.text(
            st.sampled_from("{}()[]'\" ,:0123456789descrfortran_ordershapeTrueFalse|u"),
            max_size=300,
        )
    )
    def test_decoding_any_npy_header_never_raises(self, header: str) -> None:
        self.decode(npy_with_header(header, bytes(24)), GREY)

    def decode(self, payload: bytes, spec: InputSpec) -> None:
        outcome = decode_images(payload, spec, LIMITS)
        if isinstance(outcome, Decoded):
            assert outcome.images.dtype == np.uint8
            assert outcome.images.shape == (len(outcome.images), *spec.shape)
        else:
            assert outcome.message


class TestEncode:
    @given(st.binary(min_size=24, max_size=24), st.sampled_from([(4, 6), (4, 6, 1), (1, 4, 6)]))
    def test_an_array_comes_back_as_it_was(self, pixels: bytes, shape: tuple[int, ...]) -> None:
        array = np.frombuffer(pixels, np.uint8).reshape(shape)
        assert decoded(encode_image(array)).tobytes() == pixels

    @given(st.binary(min_size=72, max_size=72))
    def test_a_pillow_image_comes_back_as_it_was(self, pixels: bytes) -> None:
        image = Image.frombytes("RGB", (6, 4), pixels)
        assert decoded(encode_image(image), COLOUR).tobytes() == pixels

    def test_an_array_that_is_not_contiguous_is_sent_in_its_own_order(self) -> None:
        assert np.array_equal(decoded(encode_image(GRADIENT[::-1]))[0, :, :, 0], GRADIENT[::-1])

    @pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV", "F"])
    def test_pillow_modes_that_png_lacks_are_converted(self, mode: str) -> None:
        image = Image.new("L", (6, 4), 128).convert("RGB" if mode != "F" else "L").convert(mode)
        assert np.abs(decoded(encode_image(image)).astype(int) - 128).max() <= 2

    def test_bytes_and_files_go_as_they_are(self, tmp_path: Path) -> None:
        file = tmp_path / "raw.bin"
        file.write_bytes(b"raw")
        assert encode_image(b"raw") == encode_image(file) == encode_image(str(file)) == b"raw"

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match=r"gone\.png: cannot be read \(No such file"):
            encode_image(tmp_path / "gone.png")

    def test_an_empty_file_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "empty.png").touch()
        with pytest.raises(ImageError, match=r"empty\.png: is empty"):
            encode_image(tmp_path / "empty.png")

    @pytest.mark.parametrize(
        "array",
        [np.zeros((4, 6), np.float32), np.zeros(24, np.uint8), np.zeros((0, 4, 6), np.uint8)],
    )
    def test_arrays_that_are_no_image_are_refused(self, array: Images) -> None:
        with pytest.raises(ImageError, match="an array of"):
            encode_image(array)

    def test_an_object_that_is_no_image_is_refused(self) -> None:
        with pytest.raises(ImageError, match="a list is no image"):
            encode_image([1, 2])  # type: ignore[arg-type] # what a user may do by mistake


def test_a_picture_alone_is_decoded_as_any_request_with_it() -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.arange(300, dtype=np.uint8).reshape(10, 10, 3)).save(buffer, format="PNG")
    spec = InputSpec((4, 5, 3), resize="bilinear")
    alone = decode_picture(buffer.getvalue(), spec, DecodeLimits())
    asked = decode_images(buffer.getvalue(), spec, DecodeLimits())
    assert isinstance(alone, Decoded)
    assert isinstance(asked, Decoded)
    np.testing.assert_array_equal(alone.images, asked.images)


@pytest.mark.parametrize("head", [b"", PNG_MAGIC, JPEG_MAGIC, b"\x93NUMPY"])
def test_no_raw_pixels_are_taken_for_a_picture(head: bytes) -> None:
    spec = InputSpec((4, 5, 3), resize="bilinear")
    payload = head + bytes(spec.size_bytes - len(head))
    assert isinstance(decode_images(payload, spec, DecodeLimits()), Decoded)
    assert isinstance(decode_picture(payload, spec, DecodeLimits()), DecodeFailure)


def test_a_picture_of_too_many_bytes_is_refused() -> None:
    refused = decode_picture(PNG_MAGIC + bytes(100), GREY, DecodeLimits(max_bytes=50))
    assert isinstance(refused, DecodeFailure)
    assert refused.code is ErrorCode.PAYLOAD_TOO_LARGE
