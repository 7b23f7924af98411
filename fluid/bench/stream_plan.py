"""What the load generator is told, as a value that travels as JSON."""

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fluid.bench.pacing import ClosedLoop, OpenLoop, Pacing


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPlan:
    """A stream of requests.

    images: an `.npz` file as `fluid dataset` writes it, sent over and over from message `offset`
    on, `batch` of them in a message. window: closed loop, for `warm_up_s` and `measure_s`, or
    until `count` messages were sent. steps: open loop instead, (duration_s, rate_per_s) in
    messages; the first `warm_up_s` are not measured. patience_s: how long answers are waited for,
    at the end and, closed loop, while none comes. watch: processes whose processor time is
    measured, by name; the one called `broker` is also asked for its bytes. output: an `.npz`
    file, see `observations`.
    """

    host: str
    port: int
    images: str
    output: str
    base_topic: str = "fluid"
    batch: int = 1
    offset: int = 0
    window: int = 0
    count: int | None = None
    steps: tuple[tuple[float, float], ...] = ()
    warm_up_s: float = 0.0
    measure_s: float = 0.0
    patience_s: float = 5.0
    watch: dict[str, int] = field(default_factory=dict)

    def write(self, file: Path) -> None:
        file.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> "StreamPlan":
        """What `write` wrote, by the program that starts us."""
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        steps = tuple((float(each[0]), float(each[1])) for each in document.pop("steps"))
        return cls(steps=steps, **document)

    @property
    def span_s(self) -> float:
        """How long requests are sent; infinity if `count` ends it."""
        if self.count is not None:
            return math.inf
        if self.steps:
            return sum(duration_s for duration_s, _ in self.steps)
        return self.warm_up_s + self.measure_s

    def pacing(self) -> Pacing:
        if self.steps:
            return OpenLoop(self.steps)
        return ClosedLoop(self.window, span_s=self.span_s, count=self.count)
