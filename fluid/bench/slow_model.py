"""A model of about 5 ms an invoke, for what serving costs where the network is no toy.

How long it takes is all that matters of it, so it learns a few pictures of noise for one pass:
with as many channels as an invoke needs to take so long, on this machine and by the devices'
interpreter. Some interpreters are five times as fast as others, so each may need a bundle of its
own, and all of them are kept. `fluid train` makes them, as it makes any bundle, and nothing of the
trainer is imported.
"""

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from fluid.bench.device_python import DevicePython
from fluid.bundle import load_bundle
from fluid.bundle.manifest import MANIFEST_NAME
from fluid.supervisor import Supervisor

WANTED_MS = 5.0
_NEAR_ENOUGH = 1.35  # times as long, or as short
_FIRST_CHANNELS, _MOST_CHANNELS = 960, 2048
_MOST_TRAINED = 4
_PREFIX = "slow-"  # of a bundle's folder; then its channels
_PIXELS = 28
_CLASSES, _PICTURES_EACH = 2, 10  # the fewest that `fluid train` takes
_IMAGES = 64


def slow_bundle(supervisor: Supervisor, folder: Path, *, device_python: DevicePython) -> Path:
    """One that lies in `folder`, or else one that is trained into it. Raises `ProcessEnded`."""

    def took_ms(channels: int) -> float:
        bundle = folder / f"{_PREFIX}{channels}"
        if not (bundle / MANIFEST_NAME).exists():
            _train(supervisor, bundle, noise_folder(folder), channels=channels)
        return device_python.invoke_ms(bundle)

    return folder / f"{_PREFIX}{find_channels(took_ms, kept=kept_channels(folder))}"


def kept_channels(folder: Path) -> list[int]:
    """Of the bundles that earlier runs have left, the fewest first."""
    names = [each.parent.name for each in folder.glob(f"{_PREFIX}*/{MANIFEST_NAME}")]
    numbers = [name.removeprefix(_PREFIX) for name in names]
    return sorted(int(number) for number in numbers if number.isdecimal())


def find_channels(took_ms: Callable[[int], float], *, kept: Iterable[int]) -> int:
    """How many channels take about `WANTED_MS`, or come nearest after a few attempts.

    took_ms: what an invoke takes with so many. It costs a training, but for those `kept`, so these
    are asked first; and none is asked again.
    """
    times_ms: dict[int, float] = {}
    for channels in kept:
        times_ms[channels] = took_ms(channels)
        if is_near_enough(times_ms[channels]):
            return channels
    for _ in range(_MOST_TRAINED):
        channels = _after(times_ms)
        if channels in times_ms:
            break
        times_ms[channels] = took_ms(channels)
    return _nearest(times_ms)


def is_near_enough(took_ms: float) -> bool:
    return WANTED_MS / _NEAR_ENOUGH <= took_ms <= WANTED_MS * _NEAR_ENOUGH


def next_channels(channels: int, *, took_ms: float) -> int:
    """How many to try next; the same if `took_ms` is near enough. Work grows with their square."""
    if is_near_enough(took_ms):
        return channels
    wanted = channels * math.sqrt(WANTED_MS / took_ms)
    return max(8, min(_MOST_CHANNELS, 8 * round(wanted / 8)))


def noise_folder(folder: Path) -> Path:
    """A data set for `fluid train`: a few grey pictures of each of two classes."""
    noise = folder / "noise"
    random = np.random.default_rng(0)
    for split in ("train", "validation", "test"):
        for number in range(_CLASSES):
            pictures = noise / split / f"class{number}"
            pictures.mkdir(parents=True, exist_ok=True)
            for picture in range(_PICTURES_EACH):
                pixels = random.integers(0, 256, (_PIXELS, _PIXELS), dtype=np.uint8)
                Image.fromarray(pixels).save(pictures / f"{picture}.png")
    return noise


def noise_images(bundle: Path, file: Path) -> None:
    """Images of noise in the form that a bundle takes, as `fluid dataset` writes images."""
    shape = load_bundle(bundle).manifest.input.shape
    images = np.random.default_rng(0).integers(0, 256, (_IMAGES, *shape), dtype=np.uint8)
    np.savez(file, images=images, labels=np.zeros(_IMAGES, dtype=np.int64))


def _after(times_ms: Mapping[int, float]) -> int:
    """What to try next, given what others took; one of them if nothing is left to try."""
    if not times_ms:
        return _FIRST_CHANNELS
    channels = _nearest(times_ms)
    return next_channels(channels, took_ms=times_ms[channels])


def _nearest(times_ms: Mapping[int, float]) -> int:
    return min(times_ms, key=lambda channels: abs(math.log(times_ms[channels] / WANTED_MS)))


def _train(supervisor: Supervisor, bundle: Path, data: Path, *, channels: int) -> None:
    options = ["--dataset", str(data), "--output", str(bundle), "--channels", str(channels)]
    options += ["--slots", "1", "--widths", "1", "--epochs", "1", "--teacher-epochs", "0"]
    options += ["--max-int8-drop", "100", "--augment", "none"]
    command = [sys.executable, "-m", "fluid", "train", *options]
    name = f"train-slow-{channels}"
    supervisor.start(name, command)
    supervisor.wait(name)
