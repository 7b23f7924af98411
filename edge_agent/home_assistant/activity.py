"""What an agent answered lately: how much, how fast, and with which sub-network.

Counted from events and effects, as the metrics are, and said every few seconds on
`<base>/state/<agent>`. A span without answers has no latency.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.core.effects import Effect
from edge_agent.core.events import Event, LinkName
from fluid.messages import ErrorReply

REPORT_S = 5.0


@dataclass(frozen=True, slots=True)
class ActivityReport:
    """`<base>/state/<agent>`, not retained.

    throughput: images a second that this agent answered since the last report. latency_ms: from a
    request's arrival on this device until the broker has its answer, the mean over that span; None
    if it answered none. subnetwork: of its last answer; None before the first.
    """

    agent: str
    throughput: float
    latency_ms: float | None
    subnetwork: str | None

    def encode(self) -> bytes:
        document = {
            "agent": self.agent,
            "throughput": round(self.throughput, 2),
            "latency_ms": None if self.latency_ms is None else round(self.latency_ms, 2),
            "subnetwork": self.subnetwork,
        }
        return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer on its way to the broker."""

    images: int
    arrived_at: float
    subnetwork: str


class Activity:
    """Adds up answers between two reports."""

    def __init__(self, agent: str, now: float) -> None:
        self._agent = agent
        self._under_way: dict[int, _Answer] = {}
        self._subnetwork: str | None = None
        self._start_over(now)

    def observe(self, event: Event, effects: Sequence[Effect], now: float) -> None:
        """Take in one step of the core."""
        match event:
            case seen.ReplyConfirmed(token, accepted):
                answer = self._under_way.pop(token, None)
                if answer is not None and accepted:
                    self._add(answer, now)
            case seen.LinkClosed(LinkName.INFER):
                self._under_way.clear()  # unconfirmed: the broker sends those requests again
        for effect in effects:
            if isinstance(effect, do.SendReply):
                self._sent(effect, now)

    def report(self, now: float) -> ActivityReport:
        """What happened since the last report; the next begins here."""
        span_s = now - self._since
        report = ActivityReport(
            self._agent,
            throughput=self._images / span_s if span_s > 0 else 0.0,
            latency_ms=1000 * self._waited_s / self._answers if self._answers else None,
            subnetwork=self._subnetwork,
        )
        self._start_over(now)
        return report

    def _start_over(self, now: float) -> None:
        self._since = now
        self._images = self._answers = 0
        self._waited_s = 0.0

    def _sent(self, effect: do.SendReply, now: float) -> None:
        reply = effect.replies[0]
        if isinstance(reply, ErrorReply):
            return
        waited_s = (reply.queue_ms + reply.compute_ms) / 1000
        answer = _Answer(len(effect.replies), now - waited_s, reply.subnetwork)
        self._under_way[effect.token] = answer

    def _add(self, answer: _Answer, now: float) -> None:
        self._images += answer.images
        self._answers += 1
        self._waited_s += now - answer.arrived_at
        self._subnetwork = answer.subnetwork
