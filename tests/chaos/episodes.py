"""What a campaign has observed: its rounds with their requests, and what the cluster can do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fluid.client import Statistics
from fluid.messages import Mode
from tests.chaos.plan import Round
from tests.chaos.stream import Record


@dataclass(frozen=True, slots=True)
class Capacity:
    """Requests a second in a closed loop, by mode: with all agents, and when one has left."""

    everybody: Mapping[Mode, float]
    survivors: Mapping[Mode, float]


@dataclass(frozen=True, slots=True)
class Episode:
    """A round as it went.

    fault_s, formed_s: of the monotonic clock; when the fault happened, and when all agents were
    seen to serve again. words: how often the operator had to repeat the mode. records: all
    requests from its beginning to the next round's.
    """

    round: Round
    rate_per_s: float
    fault_s: float
    formed_s: float
    words: int
    records: Sequence[Record]

    def steady(self) -> list[Record]:
        """Those that were answered before the fault."""
        return [
            record
            for record in self.records
            if record.answered_s is not None and record.answered_s <= self.fault_s
        ]

    def in_flight(self) -> list[Record]:
        """Those that were under way when the fault happened."""
        return [record for record in self.records if record.was_in_flight(self.fault_s)]

    def during(self) -> list[Record]:
        """Those sent between the fault and the moment when all agents served again."""
        return [
            record for record in self.records if self.fault_s <= record.submitted_s < self.formed_s
        ]


@dataclass(frozen=True, slots=True)
class Campaign:
    """All rounds with one number of agents.

    load: the share of the capacity that the stream asks for. records: all requests, also those
    of a round that did not come to its end. statistics: the client library's own. stopped_by:
    what ended it before its last round, "" if nothing did.
    """

    agents: int
    load: float
    capacity: Capacity
    episodes: Sequence[Episode]
    records: Sequence[Record]
    statistics: Statistics = field(default_factory=Statistics)
    stopped_by: str = ""
