"""What a run of the benchmark is told, and what its parts share."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fluid.bench.cpu_share import DeviceCpu
from fluid.bench.device_python import DevicePython
from fluid.bench.figures import Reading, Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """device_cpu: the share of a core that each device has. repeats: of each measurement.

    warm_up_s, measure_s: of each stream that finds out how much a cluster can do. patience_s: how
    long an answer is waited for until it counts as missing.
    """

    device_cpu: float = 0.2
    repeats: int = 5
    warm_up_s: float = 1.0
    measure_s: float = 4.0
    patience_s: float = 5.0

    def __post_init__(self) -> None:
        if not 0 < self.device_cpu <= 1 or self.repeats < 1 or self.measure_s <= 0:
            raise ValueError("a share of a core, a repetition and some time are needed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Materials:
    """What is served and sent.

    families: the bundle's folder of each family there is. images: the test images of `dataset` in
    the form that these take, as `fluid dataset` writes them; image_count: how many. slow: a bundle
    of about 5 ms an invoke, and slow_images: images for it; None where nobody needs them.
    """

    dataset: str
    families: dict[str, Path]
    images: Path
    image_count: int
    slow: Path | None = None
    slow_images: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What the parts work with.

    device_python: runs all that is held to a device's share. scratch: a folder for plans and logs.
    say: for progress.
    """

    settings: Settings
    device_python: DevicePython
    cpu: DeviceCpu
    materials: Materials
    scratch: Path
    say: Callable[[str], None]


# A part of the benchmark: the readings of one repetition, by its number from 0.
Part = Callable[[Bench, int], Iterator[Reading | Series]]
