"""What happens in the demonstration, as a table: which mode, and who is killed in which stream."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fluid.demo.measurement import PhaseSummary
from fluid.demo.stage import AGENTS, LabelledImages, Stage
from fluid.demo.verdict import Promise
from fluid.messages.control import Mode


@dataclass(frozen=True, slots=True)
class Phase:
    """A stream of images. Before it begins, all agents serve in `mode`; half-way through it
    `kill`, if given, is killed."""

    name: str
    mode: Mode
    kill: str | None = None

    @property
    def promise(self) -> Promise:
        """What its answers must show."""
        killed = frozenset({self.kill} if self.kill else ())
        return Promise(self.mode, frozenset(AGENTS), killed)


# The paper's table, as it happens: each device dies in each mode, and comes back.
STORY = (
    Phase("HA", Mode.HA),
    Phase("HT", Mode.HT),
    Phase("HA, worker killed", Mode.HA, kill="worker"),
    Phase("HA, worker back", Mode.HA),
    Phase("HT, worker killed", Mode.HT, kill="worker"),
    Phase("HT, worker back", Mode.HT),
    Phase("HA, master killed", Mode.HA, kill="master"),
    Phase("HA, master back", Mode.HA),
    Phase("HT, master killed", Mode.HT, kill="master"),
    Phase("HT, master back", Mode.HT),
)


def play(
    stage: Stage,
    images: LabelledImages,
    *,
    stream_s: float,
    announce: Callable[[Phase], None],
) -> Iterator[PhaseSummary]:
    """Play the story, phase by phase.

    A phase sends every image once. One with a kill sends them over and over, for about
    `stream_s` at the rate that its mode has shown, so that the kill hits a busy cluster.
    """
    rate_per_s: dict[Mode, float] = {}
    for phase in STORY:
        announce(phase)
        stage.assemble(phase.mode, images)
        count = len(images)
        at_half = None
        if phase.kill is not None:
            count *= max(2, math.ceil(stream_s * rate_per_s[phase.mode] / len(images)))
            at_half = _killing(stage, phase.kill)
        summary = stage.measure(phase.name, images, count=count, at_half=at_half)
        rate_per_s.setdefault(phase.mode, summary.images_per_s)
        yield summary


def _killing(stage: Stage, agent: str) -> Callable[[], None]:
    return lambda: stage.kill(agent)
