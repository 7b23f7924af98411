"""`python -m fluid.bench.bare`: the interpreter alone, as the floor of what serving can cost.

A process of its own, so that it can be held to a share of a core as an agent is. It loads the
widest stage of a slot, says `ready`, waits for SIGUSR1, and invokes: no image is set, no result is
read. Then it writes what it did, and how much memory it has, as JSON.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from fluid.bench.usage import resident_mb
from fluid.bundle import load_bundle
from fluid.interpreter import find_interpreter
from fluid.submodel import load_interpreter

_WARM_UP_S = 0.3
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


def main(bundle_folder: str, seconds: str, output: str) -> None:
    """Invoke for so many seconds the widest stage of the first slot of a bundle."""
    # Not `sigwait`: NumPy's threads are there already, and would be killed by a signal that only
    # this one blocks.
    told_to_go = threading.Event()
    signal.signal(GO, lambda *_: told_to_go.set())
    bundle = load_bundle(bundle_folder)
    manifest = bundle.manifest
    stage = manifest.widest_stage(manifest.slots[0])
    interpreter = load_interpreter(bundle, stage, package=find_interpreter())
    interpreter.invoke()
    print("ready", flush=True)  # noqa: T201 - for the program that has started us
    told_to_go.wait()
    _invoke_for(_WARM_UP_S, interpreter.invoke)
    invokes, span_s = _invoke_for(float(seconds), interpreter.invoke)
    BareRun(invokes / span_s, resident_mb(os.getpid())).write(Path(output))


def _invoke_for(seconds: float, invoke: Callable[[], None]) -> tuple[int, float]:
    """How often, and in what time."""
    invokes = 0
    begin_s = now_s = time.perf_counter()
    while now_s < begin_s + seconds:
        invoke()
        invokes += 1
        now_s = time.perf_counter()
    return invokes, now_s - begin_s


if __name__ == "__main__":
    main(*sys.argv[1:])
