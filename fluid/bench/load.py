"""Load step: from a fifth of what HA can do to half as much again, and back, in `auto`.

What the cluster decides is heard where it says so, on `fluid/cluster`; what requesters get is in
the answers.
"""

import queue
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from fluid.bench.errors import NotServing
from fluid.bench.figures import Reading, Series
from fluid.bench.measures import unanswered
from fluid.bench.observations import Observations
from fluid.bench.rig import MASTER, WORKER, Rig, open_rig
from fluid.bench.settings import Bench
from fluid.bus.mqtt import MqttBus
from fluid.bus.protocol import Delivered, LinkEvent, LinkOptions, Opened, Subscription
from fluid.client.connecting import new_client_id
from fluid.messages.control import ClusterState, Mode, decode_cluster

LOW, HIGH = 0.2, 1.5  # of what HA can do
CASE = ("load step",)
# Long enough after the overload that the cluster may return, and show that it stays.
_LOW_S, _HIGH_S, _AFTER_S = 4.0, 8.0, 16.0
_BIN_S = 0.5
_CONNECT_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Switch:
    """The leader has decided for another mode. at_s: since the stream began."""

    at_s: float
    mode: Mode


def measure(bench: Bench, repetition: int) -> Iterator[Reading | Series]:
    """One step up and down."""
    del repetition
    share = bench.settings.device_cpu
    with open_rig(bench, bench.materials.families["fluid"], share=share) as rig:
        bench.say("capacity in ha")
        rig.assemble(Mode.HA, MASTER, WORKER)
        capacity_per_s = rig.saturate().images_per_s
        if not capacity_per_s:
            raise NotServing("nothing was answered in ha, so there is no load to step to")
        yield Reading(("HA, saturated",), "images_per_s", capacity_per_s)
        rig.assemble(Mode.AUTO, MASTER, WORKER)
        steps = [
            (duration_s, share_of_capacity * capacity_per_s)
            for duration_s, share_of_capacity in ((_LOW_S, LOW), (_HIGH_S, HIGH), (_AFTER_S, LOW))
        ]
        bench.say("load step")
        seen, switches = _step(rig, steps)
    yield from unanswered(CASE, seen)
    if seen.accuracy is not None:
        yield Reading(CASE, "accuracy", seen.accuracy)
    yield from reactions(switches, up_at_s=_LOW_S, down_at_s=_LOW_S + _HIGH_S)
    yield _series(seen, steps)


def reactions(switches: Sequence[Switch], *, up_at_s: float, down_at_s: float) -> Iterator[Reading]:
    """How soon after each step the mode followed, and how often it changed in all."""
    for mode, since_s in ((Mode.HT, up_at_s), (Mode.HA, down_at_s)):
        times = [each.at_s for each in switches if each.mode is mode and each.at_s >= since_s]
        if times:
            yield Reading(CASE, f"to_{mode}_s", min(times) - since_s)
        count = sum(each.mode is mode for each in switches)
        yield Reading(CASE, f"switches_to_{mode}", count)


def _step(rig: Rig, steps: list[tuple[float, float]]) -> tuple[Observations, list[Switch]]:
    starts_s: list[float] = []
    with ModeLog(rig.bus, rig.topics.cluster) as log:
        seen = rig.stream(steps=tuple(steps), meanwhile=starts_s.append)
        return seen, log.switches(since_s=starts_s[0])


def _series(seen: Observations, steps: Sequence[tuple[float, float]]) -> Series:
    columns: dict[str, list[float | str | None]] = {
        name: []
        for name in ("at_s", "offered_per_s", "answered_per_s", "ht_share", "accuracy", "p50_ms")
    }
    columns["p99_ms"] = []
    for at_s, window in seen.windows(_BIN_S):
        answered = [mode for mode in window.mode if mode]
        row = {
            "at_s": at_s,
            "offered_per_s": len(window.sent_s) / _BIN_S,
            "answered_per_s": seen.answered_between(at_s, at_s + _BIN_S) / _BIN_S,
            "ht_share": answered.count(Mode.HT.value) / len(answered) if answered else None,
            "accuracy": window.accuracy,
            "p50_ms": window.latency_ms(50),
            "p99_ms": window.latency_ms(99),
        }
        if at_s < sum(duration_s for duration_s, _ in steps):
            for name, value in row.items():
                columns[name].append(value)
    return Series(CASE, columns)


class ModeLog:
    """Hears which mode the leader decides for, and when. Use it in `with`."""

    def __init__(self, bus: MqttBus, topic: str) -> None:
        self._bus = bus
        self._topic = topic
        self._heard: queue.SimpleQueue[tuple[float, LinkEvent]] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        self._link = self._bus.open(LinkOptions(new_client_id()), self._hear)
        _, event = self._heard.get(timeout=_CONNECT_TIMEOUT_S)
        if not isinstance(event, Opened):
            raise NotServing(f"the cluster's mode cannot be heard: {event}")
        self._link.subscribe([Subscription(self._topic)])
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._link.close()

    def switches(self, *, since_s: float) -> list[Switch]:
        """The changes of the mode since a monotonic time; what was retained before is none."""
        found: list[Switch] = []
        known: Mode | None = None
        while not self._heard.empty():
            at_s, event = self._heard.get()
            state = decode_cluster(event.message.payload) if isinstance(event, Delivered) else None
            if not isinstance(state, ClusterState):
                continue
            if known not in (None, state.mode) and at_s >= since_s:
                found.append(Switch(at_s - since_s, state.mode))
            known = state.mode
        return found

    def _hear(self, event: LinkEvent) -> None:
        self._heard.put((time.monotonic(), event))
