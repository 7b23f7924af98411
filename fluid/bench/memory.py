"""Memory of an idle and of a busy agent, and how soon an agent answers after its start.

The interpreter alone, with a model of the bundle, is the floor: most of what is resident are its
libraries, and NumPy's. An agent starts with the whole core, as a device's start is not what its
share stands for.
"""

import time
from collections.abc import Iterator

from fluid.bench.figures import Reading, Series
from fluid.bench.overhead import run_bare
from fluid.bench.rig import MASTER, open_rig
from fluid.bench.settings import Bench
from fluid.bench.usage import resident_mb
from fluid.messages.control import Mode

IDLE, BUSY, INTERPRETER, START = "idle agent", "busy agent", "interpreter alone", "start"
# Somebody has to ask all the time, or the first answer would wait for the first question.
_ASKING_PER_S, _ASKING_S = 50.0, 6.0
_BARE_S = 0.2


def measure(bench: Bench, repetition: int) -> Iterator[Reading | Series]:
    """One agent, from its start to being busy."""
    del repetition
    bundle = bench.materials.families["fluid"]
    with open_rig(bench, bundle) as rig:
        bench.say("interpreter alone")
        bare = run_bare(rig, bundle, seconds=_BARE_S, scratch=bench.scratch)
        if bare.resident_mb is not None:
            yield Reading((INTERPRETER,), "resident_mb", bare.resident_mb)
        bench.say("start of an agent")
        started_s: list[float] = []

        def start(_first_request_s: float) -> None:
            started_s.append(time.monotonic())
            rig.start(MASTER)

        seen = rig.stream(steps=((_ASKING_S, _ASKING_PER_S),), patience_s=0.5, meanwhile=start)
        first_s = seen.first_answer_s()
        if first_s is not None:
            yield Reading((START,), "start_s", first_s - started_s[0])
        rig.assemble(Mode.HT, MASTER)
        yield from _resident(IDLE, rig.pid(MASTER))
        bench.say("busy agent")
        rig.saturate()
        yield from _resident(BUSY, rig.pid(MASTER))


def _resident(case: str, pid: int) -> Iterator[Reading]:
    value = resident_mb(pid)
    if value is not None:
        yield Reading((case,), "resident_mb", value)
