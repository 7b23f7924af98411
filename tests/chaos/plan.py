"""Which fault happens in which round, to whom and when: drawn from a seed beforehand. Pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from fluid.messages import Mode

# How long the stream is left in peace before a fault: a beginning at any phase of the heartbeats.
_STEADY_S = (0.8, 1.6)
# A mode switch takes some milliseconds; the master is killed somewhere around them.
_SWITCH_S = 0.1


class Fault(StrEnum):
    """What a round does to the cluster."""

    KILL = "SIGKILL"
    SILENCE = "SIGSTOP 5 s"
    RESTART = "restart"
    BROKER_KILL = "broker SIGKILL"
    BROKER_RESTART = "broker SIGTERM"
    SWITCH = "mode switch"
    KILL_IN_SWITCH = "master SIGKILL in mode switch"

    @property
    def switches(self) -> bool:
        """Whether the cluster is in the other mode afterwards."""
        return self in (Fault.SWITCH, Fault.KILL_IN_SWITCH)

    @property
    def has_victim(self) -> bool:
        """Whether it happens to one agent."""
        return self in (Fault.KILL, Fault.SILENCE, Fault.RESTART, Fault.KILL_IN_SWITCH)


@dataclass(frozen=True, slots=True)
class Round:
    """number: from 1. victim: the agent that it happens to, "" where it is not an agent. before,
    after: the mode that the cluster is in. steady_s: how long the stream goes on before the
    fault. delay_s: from the operator's word to the kill, where there are both.
    """

    number: int
    fault: Fault
    victim: str
    before: Mode
    after: Mode
    steady_s: float
    delay_s: float = 0.0


def draw_rounds(
    count: int, agents: Sequence[str], *, seed: int, faults: Sequence[Fault] = tuple(Fault)
) -> list[Round]:
    """The rounds of one campaign; agents: the master first.

    Every fault comes once in each run of `len(faults)` rounds, in a new order each time, so that
    all are met equally often. Of the agents each is equally likely. The cluster starts in HA.
    """
    # A seed gives each number of agents rounds of its own, whichever others are run.
    source = random.Random(f"{seed}/{len(agents)}")  # noqa: S311 - repeatable, not secret
    rounds: list[Round] = []
    mode = Mode.HA
    while len(rounds) < count:
        for fault in source.sample(faults, len(faults)):
            victim = source.choice(agents) if fault.has_victim else ""
            after = _other(mode) if fault.switches else mode
            in_switch = fault is Fault.KILL_IN_SWITCH
            steady_s = source.uniform(*_STEADY_S)
            delay_s = source.uniform(0.0, _SWITCH_S)
            rounds.append(
                Round(
                    number=len(rounds) + 1,
                    fault=fault,
                    victim=agents[0] if in_switch else victim,
                    before=mode,
                    after=after,
                    steady_s=steady_s,
                    delay_s=delay_s if in_switch else 0.0,
                )
            )
            mode = after
    return rounds[:count]


def _other(mode: Mode) -> Mode:
    return Mode.HT if mode is Mode.HA else Mode.HA
