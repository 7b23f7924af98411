"""`python -m fluid.bench.bare`: the interpreter alone, as the floor of what serving can cost.

A process of its own, so that it can be held to a share of a core as an agent is. It loads the
widest stage of a slot, says `ready`, waits for SIGUSR1, and invokes, each time with another of the
images that agents are sent: by tflite-runtime an empty image takes a fifth less time than those do.
Only the invokes are timed: no image is decoded, no result is read. Then it writes what it did, and
how much memory it has, as JSON.
"""

import itertools
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from fluid.bench.usage import resident_mb
from fluid.bundle import load_bundle
from fluid.interpreter import find_interpreter
from fluid.submodel import Images, load_interpreter

_WARM_UP_S = 0.3
_IMAGES = 256  # more than a processor learns to predict
GO = signal.SIGUSR1


@dataclass(frozen=True, slots=True)
class BareRun:
    """What came of it. resident_mb: None where that is not known."""

    invokes_per_s: float
    resident_mb: float | None

    def write(self, file: Path) -> None:
        file.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> "BareRun":
        """What `write` wrote, in a process that we have started."""
        return cls(**json.loads(file.read_text(encoding="utf-8")))


def main(bundle_folder: str, images_file: str, seconds: str, output: str) -> None:
    """Invoke for so many seconds the widest stage of the first slot of a bundle.

    images_file: as `fluid dataset` writes it, for this bundle.
    """
    # Not `sigwait`: NumPy's threads are there already, and would be killed by a signal that only
    # this one blocks.
    told_to_go = threading.Event()
    signal.signal(GO, lambda *_: told_to_go.set())
    bundle = load_bundle(bundle_folder)
    manifest = bundle.manifest
    stage = manifest.widest_stage(manifest.slots[0])
    interpreter = load_interpreter(bundle, stage, package=find_interpreter())
    place = interpreter.get_input_details()[0]["index"]
    images = itertools.cycle(first_images(Path(images_file)))

    def put_next() -> None:
        interpreter.set_tensor(place, next(images))

    interpreter.invoke()
    print("ready", flush=True)  # noqa: T201 - for the program that has started us
    told_to_go.wait()
    invokes_per_s(_WARM_UP_S, interpreter.invoke, put_next=put_next)
    rate = invokes_per_s(float(seconds), interpreter.invoke, put_next=put_next)
    BareRun(rate, resident_mb(os.getpid())).write(Path(output))


def first_images(file: Path) -> list[Images]:
    """Some of a file's images, of shape (1, height, width, channels) each."""
    with np.load(file) as arrays:
        return [image[np.newaxis].copy() for image in arrays["images"][:_IMAGES]]


def invokes_per_s(
    seconds: float,
    invoke: Callable[[], None],
    *,
    put_next: Callable[[], None],
    clock_s: Callable[[], float] = time.perf_counter,
) -> float:
    """How many a second of the time that they take themselves, measured for so many seconds.

    Of real time: while a share of a core is used up, whatever is under way stands still, and that
    is an invoke as often as invokes are of what is done.
    """
    invokes, invoking_s = 0, 0.0
    end_s = clock_s() + seconds
    while True:
        put_next()
        begin_s = clock_s()
        invoke()
        now_s = clock_s()
        invokes += 1
        invoking_s += now_s - begin_s
        if now_s >= end_s:
            return invokes / invoking_s


if __name__ == "__main__":
    main(*sys.argv[1:])
