"""What the generator does with images and meters; streams are in the integration tests."""

from pathlib import Path

import numpy as np
import pytest

from fluid.bench.generator import Images, Meter
from fluid.bundle import InputSpec
from fluid.codec import Decoded, DecodeLimits, decode_images


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Five images, each full of its own number, which is its label too."""
    labels = np.arange(5)
    images = np.broadcast_to(labels[:, None, None, None], (5, 8, 8, 1)).astype(np.uint8)
    np.savez(tmp_path / "images.npz", images=images, labels=labels)
    return tmp_path / "images.npz"


def _pixels(payload: bytes) -> list[int]:
    decoded = decode_images(payload, InputSpec((8, 8, 1)), DecodeLimits())
    assert isinstance(decoded, Decoded)
    return [int(image[0, 0, 0]) for image in decoded.images]


def test_images_are_sent_over_and_over(file: Path) -> None:
    images = Images(file, batch=1)
    assert [_pixels(images.payload(number)) for number in (0, 4, 5)] == [[0], [4], [0]]
    assert (images.right(6, [1]), images.right(6, [2])) == (1, 0)


def test_a_batch_holds_images_that_follow_each_other_and_what_does_not_fill_one_is_left(
    file: Path,
) -> None:
    images = Images(file, batch=2)
    assert [_pixels(images.payload(number)) for number in (0, 1, 2)] == [[0, 1], [2, 3], [0, 1]]
    assert images.right(1, [2, 9]) == 1


def test_a_batch_that_no_data_set_fills_is_refused(file: Path) -> None:
    with pytest.raises(SystemExit, match="6 images are wanted"):
        Images(file, batch=6)


def test_a_process_that_ended_in_between_has_used_nothing_that_is_known() -> None:
    before = Meter(10.0, {"generator": 1.0, "master": 2.0}, broker_bytes=100)
    after = Meter(12.0, {"generator": 1.5}, broker_bytes=350)
    assert before.cores_until(after) == {"generator": 0.25}
    assert before.bytes_until(after) == 250


def test_without_a_broker_to_watch_its_bytes_are_unknown() -> None:
    meter = Meter.read({})
    assert meter.broker_bytes is None
    assert meter.bytes_until(meter) is None
