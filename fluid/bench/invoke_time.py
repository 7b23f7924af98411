"""`python -m fluid.bench.invoke_time BUNDLE`: how many milliseconds an invoke takes.

Of the processor's time, as what else the machine does meanwhile says nothing about a model; and for
an image of noise, as an empty one takes less time by some interpreters.
"""

import sys
import time

import numpy as np

from fluid.bundle import load_bundle
from fluid.interpreter import find_interpreter
from fluid.submodel import load_interpreter

_INVOKES = 40


def invoke_ms(bundle_folder: str) -> float:
    """The fastest of some invokes of the widest stage of a bundle's first slot."""
    bundle = load_bundle(bundle_folder)
    stage = bundle.manifest.widest_stage(bundle.manifest.slots[0])
    interpreter = load_interpreter(bundle, stage, package=find_interpreter())
    shape = (1, *bundle.manifest.input.shape)
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], noise)
    times_s = []
    for _ in range(_INVOKES):
        begin_s = time.process_time()
        interpreter.invoke()
        times_s.append(time.process_time() - begin_s)
    return 1000 * min(times_s)


if __name__ == "__main__":
    print(invoke_ms(*sys.argv[1:]))  # noqa: T201 - for the program that has started us
