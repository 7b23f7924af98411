"""What an agent is told once, at its start."""

from dataclasses import dataclass, field

from edge_agent.core.edition import Edition
from fluid.bundle import Manifest
from fluid.messages import Mode, Role
from fluid.messages.control import DEFAULT_IN_FLIGHT


@dataclass(frozen=True, slots=True)
class Timing:
    """Every span of time that the core knows, in seconds. See docs/protocol.md for the reasons."""

    heartbeat_s: float = 0.5
    suspect_after_s: float = 1.5
    dead_after_s: float = 2.0
    echo_stall_s: float = 1.2
    # Just after it has connected, an agent adopts nobody: others may be about to connect as well.
    newcomer_s: float = 1.0
    # Where there are several brokers, one that our heartbeats do not come back from is left.
    deaf_s: float = 4.0
    claim_gap_s: float = 0.2
    claim_retry_s: float = 2.0
    reconnect_first_s: float = 0.1
    reconnect_most_s: float = 5.0
    # After a refused subscription of requests: rights may be given while we run.
    resubscribe_first_s: float = 1.0
    resubscribe_most_s: float = 30.0
    # On a fallback: how often a preferred broker is looked for.
    probe_s: float = 2.0
    # A straggler is waited for this long after the own share is ready, or twice what the own
    # share took, whichever is more: slow models have long queues on every device. While its
    # heartbeats say that it is at work, it is waited for again, up to `longest_wait_s`.
    straggler_s: float = 1.0
    longest_wait_s: float = 10.0
    # Before that, it is given what we have: it may believe that it is the one to answer.
    hint_s: float = 0.2
    # Whoever handed its share to another device hands it over again after this long.
    handover_s: float = 2.0
    # Whoever is out of step is waited for this long until it does its part again.
    brief_s: float = 0.05
    # A share of a request that has not come by then is looked into.
    stale_partial_s: float = 0.3
    memory_s: float = 10.0
    # Longer than one heartbeat, so that two of them speak of it.
    overload_s: float = 0.6
    underload_s: float = 5.0
    leave_s: float = 3.0
    # A device that is gone for longer is forgotten, once its session is settled; 0: never. As
    # long as the broker keeps its session.
    forget_after_s: float = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Who this agent is and what it serves at first. `digest` is the bundle's.

    capacity: how much work it can do next to the others. pins: the only slots that it may hold;
    () for any. in_flight: how many requests the broker may send it before it has answered one.
    brokers: how many there are to choose from.

    Raises `ValueError` if the pins do not fit the bundle or `max_slots`.
    """

    agent: str
    role: Role
    manifest: Manifest
    digest: str
    interpreter: str = ""
    vote: Mode = Mode.AUTO
    max_slots: int = 1
    brokers: int = 1
    timing: Timing = field(default_factory=Timing)
    capacity: float = 1.0
    pins: tuple[str, ...] = ()
    in_flight: int = DEFAULT_IN_FLIGHT

    def __post_init__(self) -> None:
        self.expect_fitting(self.manifest)

    def expect_fitting(self, manifest: Manifest) -> None:
        """Raise `ValueError`, with the bundle's slots, if the pins do not fit it."""
        slots = manifest.slots
        unknown = [slot for slot in self.pins if slot not in slots]
        if unknown:
            raise ValueError(
                f"the bundle has no slot {', '.join(map(repr, unknown))} to pin to; "
                f"its slots are {', '.join(slots)}"
            )
        if len(set(self.pins)) > self.max_slots:
            raise ValueError(
                f"{', '.join(self.pins)} are pinned, which is more than --max-slots "
                f"{self.max_slots} allows; the bundle's slots are {', '.join(slots)}"
            )

    @property
    def edition(self) -> Edition:
        """The bundle that the agent starts with; see `edition.py` for the one in force."""
        return Edition(self.manifest, self.digest)
