"""Whether a phase went as promised, and if not, why. Pure.

A phase that was answered by the wrong devices is a failure, however good its numbers: a cluster
that quietly left one device idle would otherwise pass.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fluid.demo.measurement import PhaseSummary, Team
from fluid.messages.control import Mode

# A device that is busy elsewhere for a moment makes a straggler, and the answer goes out without
# it. That is as designed, but it must stay the exception.
_LEAST_TOGETHER = 0.95
# The broker shares images out by its own rule; a device with less than this share is as good as
# idle.
_LEAST_OF_THE_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Promise:
    """What a phase must show: `devices` serve in `mode`, and those of `killed` die on the way."""

    mode: Mode
    devices: Team
    killed: Team = frozenset()

    @property
    def survivors(self) -> Team:
        return self.devices - self.killed


def shortcomings(promise: Promise, summary: PhaseSummary) -> list[str]:
    """What a phase lacks of its promise, one line each; empty if it kept it."""
    return [f"{summary.phase}: {line}" for line in _shortcomings(promise, summary)]


def _shortcomings(promise: Promise, summary: PhaseSummary) -> Iterator[str]:
    if summary.lost:
        reasons = ", ".join(f"{count} x {why}" for why, count in summary.problems.items())
        yield f"{summary.lost} of {summary.sent} images were lost ({reasons})"
    if not summary.answered:
        return
    if summary.modes != (promise.mode.value,):
        yield f"served in {' and '.join(summary.modes)} instead of {promise.mode}"
    if set(summary.devices) != promise.devices:
        yield f"served by {_names(summary.devices)} instead of {_names(promise.devices)}"
    if promise.killed:
        yield from _carried_on(promise, summary)
    elif promise.mode is Mode.HA:
        yield from _worked_together(promise, summary)
    else:
        yield from _shared_the_work(promise, summary)


def _carried_on(promise: Promise, summary: PhaseSummary) -> Iterator[str]:
    if summary.last_team != promise.survivors:
        yield (
            f"the last answer came from {_names(summary.last_team)} "
            f"instead of {_names(promise.survivors)}"
        )


def _worked_together(promise: Promise, summary: PhaseSummary) -> Iterator[str]:
    together = summary.teams.get(promise.devices, 0) / summary.answered
    if together < _LEAST_TOGETHER:
        yield f"only {together:.0%} of the images were answered by all devices together"


def _shared_the_work(promise: Promise, summary: PhaseSummary) -> Iterator[str]:
    for device in sorted(promise.devices):
        share = summary.teams.get(frozenset({device}), 0) / summary.answered
        if share < _LEAST_OF_THE_SHARE:
            yield f"{device} answered only {share:.0%} of the images"


def _names(devices: Team | tuple[str, ...]) -> str:
    return " and ".join(sorted(devices)) or "nobody"
