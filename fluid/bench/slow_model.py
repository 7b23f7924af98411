"""A model of about 5 ms an invoke, for what serving costs where the network is no toy.

How long it takes is all that matters of it, so it learns a few pictures of noise for one pass:
more channels until an invoke takes long enough on this machine. `fluid train` makes it, as it makes
any bundle, and nothing of the trainer is imported.
"""

import math
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from fluid.bundle import load_bundle
from fluid.interpreter import find_interpreter
from fluid.submodel import load_interpreter
from fluid.supervisor import Supervisor

WANTED_MS = 5.0
_NEAR_ENOUGH = 1.35  # times as long, or as short
_FIRST_CHANNELS, _MOST_CHANNELS = 960, 2048
_ATTEMPTS = 4
_PIXELS = 28
_CLASSES, _PICTURES_EACH = 2, 10  # the fewest that `fluid train` takes
_MEASURED_INVOKES = 40
_IMAGES = 64


def slow_bundle(supervisor: Supervisor, folder: Path) -> Path:
    """The bundle, trained unless it lies in `folder`. Another machine may get another."""
    channels = _FIRST_CHANNELS
    bundle = folder / f"slow-{channels}"
    for _ in range(_ATTEMPTS):
        bundle = folder / f"slow-{channels}"
        if not (bundle / "bundle.json").exists():
            _train(supervisor, bundle, noise_folder(folder), channels=channels)
        took_ms = invoke_ms(bundle)
        better = next_channels(channels, took_ms=took_ms)
        if better == channels:
            break
        channels = better
    return bundle


def next_channels(channels: int, *, took_ms: float) -> int:
    """How many to try next; the same if `took_ms` is near enough. Work grows with their square."""
    if WANTED_MS / _NEAR_ENOUGH <= took_ms <= WANTED_MS * _NEAR_ENOUGH:
        return channels
    wanted = channels * math.sqrt(WANTED_MS / took_ms)
    return max(8, min(_MOST_CHANNELS, 8 * round(wanted / 8)))


def invoke_ms(folder: Path) -> float:
    """The fastest of some invokes of the widest stage of a bundle's first slot."""
    bundle = load_bundle(folder)
    stage = bundle.manifest.widest_stage(bundle.manifest.slots[0])
    interpreter = load_interpreter(bundle, stage, package=find_interpreter())
    times_s = []
    for _ in range(_MEASURED_INVOKES):
        begin_s = time.perf_counter()
        interpreter.invoke()
        times_s.append(time.perf_counter() - begin_s)
    return 1000 * min(times_s)


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


def _train(supervisor: Supervisor, bundle: Path, data: Path, *, channels: int) -> None:
    options = ["--dataset", str(data), "--output", str(bundle), "--channels", str(channels)]
    options += ["--slots", "1", "--widths", "1", "--epochs", "1", "--teacher-epochs", "0"]
    options += ["--max-int8-drop", "100", "--augment", "none"]
    command = [sys.executable, "-m", "fluid", "train", *options]
    name = f"train-slow-{channels}"
    supervisor.start(name, command)
    supervisor.wait(name)
