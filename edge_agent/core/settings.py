"""What an agent is told once, at its start."""

from dataclasses import dataclass, field

from fluid.bundle import Manifest
from fluid.messages import Mode, Role


@dataclass(frozen=True, slots=True)
class Timing:
    """Every span of time that the core knows, in seconds. See docs/protocol.md for the reasons."""

    heartbeat_s: float = 0.5
    suspect_after_s: float = 1.5
    dead_after_s: float = 2.0
    echo_stall_s: float = 1.2
    claim_gap_s: float = 0.2
    claim_retry_s: float = 2.0
    reconnect_first_s: float = 0.1
    reconnect_most_s: float = 5.0
    # A straggler is waited for this long after the own share is ready, or twice what the own
    # share took, whichever is more: slow models have long queues on every device. While its
    # heartbeats say that it is at work, it is waited for again, up to `longest_wait_s`.
    straggler_s: float = 1.0
    longest_wait_s: float = 10.0
    # Whoever handed its share to another device hands it over again after this long.
    handover_s: float = 2.0
    # Whoever is out of step is waited for this long until it does its part again.
    brief_s: float = 0.05
    # A share of a request that has not come by then is looked into.
    stale_partial_s: float = 0.3
    memory_s: float = 10.0
    overload_s: float = 1.0
    underload_s: float = 5.0
    leave_s: float = 3.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Who this agent is and what it serves. `digest` is the bundle's."""

    agent: str
    role: Role
    manifest: Manifest
    digest: str
    interpreter: str = ""
    vote: Mode = Mode.AUTO
    max_slots: int = 1
    timing: Timing = field(default_factory=Timing)
