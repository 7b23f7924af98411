"""Who works together on a request: the members, and which of them does what for which request.

Pure functions of the members and the request's key, so that all who see the same members agree
without a word. Members are spread by rendezvous hashing, in proportion to their capacities: when
one leaves, only its own requests move.
"""

import hashlib
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from edge_agent.core.graph import Graph, Plan
from fluid.bundle import Manifest


@dataclass(frozen=True, slots=True)
class Team:
    """One agent's view of the members that hear every request now.

    members: all of them, ourselves included. holders: by slot, those of them that hold it and
    serve our bundle, ourselves included. capacities: of the members that are not of capacity 1.
    graph: how the bundle's stages read each other; None where each goes from the image to logits.
    present: where they do, also those who are there and hear no request to everyone at the moment:
    of what they have heard before, they do their part.
    """

    me: str
    manifest: Manifest = field(compare=False)
    members: tuple[str, ...] = ()
    holders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    capacities: Mapping[str, float] = field(default_factory=dict)
    graph: Graph | None = field(default=None, compare=False)
    present: tuple[str, ...] = ()
    # What each request asks for, while the team is the same for many.
    _my_slots: tuple[str, ...] = field(init=False, compare=False, repr=False)
    _plans: dict[tuple[str, ...], Plan | None] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    _due: dict[tuple[str, ...], tuple[str, ...]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        slots, holders = self.manifest.slots, self.holders
        mine = tuple([slot for slot in slots if self.me in holders.get(slot, ())])
        object.__setattr__(self, "_my_slots", mine)

    def combiner(self, key: bytes, hearers: tuple[str, ...]) -> str:
        """The member that adds up the partial logits of a request and answers it.

        hearers: the members when the request arrived; whoever came later has not heard it.
        """
        # Mostly nobody has come or gone since it was heard.
        all_there = hearers == self.members and not self.present
        present = hearers if all_there else tuple(filter(self.is_there, hearers))
        return rendezvous(key, present, self.capacities) or self.me

    def is_there(self, agent: str) -> bool:
        """Whether it can still do its part in what it has heard."""
        return agent in (self.present or self.members)

    def my_slots(self) -> tuple[str, ...]:
        return self._my_slots

    def my_stages(self) -> tuple[str, ...]:
        """What this device answers with when it answers alone."""
        if self.graph is not None:
            plan = self.graph.best(self.my_slots())
            return plan.logits if plan else ()
        return tuple([self.manifest.widest_stage(slot).name for slot in self._my_slots])

    def my_share(self, key: bytes, hearers: tuple[str, ...]) -> tuple[str, ...]:
        """What this device computes when all who heard a request work on it together."""
        if self.graph is not None:
            due = self.due(hearers)
            ours = {slot for slot in self.my_slots() if self.owner(slot, key, hearers) == self.me}
            return tuple(name for name in due if self.manifest.stage(name).slot in ours)
        mine = [slot for slot in self._my_slots if self.owner(slot, key, hearers) == self.me]
        return tuple([self.manifest.widest_stage(slot).name for slot in mine])

    def owners(
        self, stages: tuple[str, ...], key: bytes, hearers: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Who of those who heard a request is to compute these stages for it."""
        holders = (self.owner(self.manifest.stage(stage).slot, key, hearers) for stage in stages)
        return tuple(holder for holder in holders if holder is not None)

    def due(self, hearers: tuple[str, ...]) -> tuple[str, ...]:
        """All stages that a complete answer is made of, of those who heard the request and are
        still there."""
        if self.graph is not None:
            plan = self.plan(hearers)
            return plan.logits if plan else ()
        if hearers not in self._due:  # as few as the plans
            widest = map(self.manifest.widest_stage, self.held_by(hearers))
            self._due[hearers] = tuple(stage.name for stage in widest)
        return self._due[hearers]

    def held_by(self, hearers: Collection[str]) -> tuple[str, ...]:
        """The slots that somebody holds who heard a request and is still there."""
        return tuple(
            slot
            for slot in self.manifest.slots
            if any(holder in hearers for holder in self.holders.get(slot, ()))
        )

    def plan(self, hearers: tuple[str, ...]) -> Plan | None:
        """The sub-network that those answer with who heard a request, where stages read each
        other; None if they can run none."""
        if self.graph is None:
            return None
        if hearers not in self._plans:  # a few at a time: those who were there as requests came
            self._plans[hearers] = self.graph.best(self.held_by(hearers))
        return self._plans[hearers]

    def owner(self, slot: str, key: bytes, hearers: tuple[str, ...]) -> str | None:
        """Who of those who heard a request computes a slot's share of it; None if nobody holds
        the slot."""
        present = tuple([name for name in self.holders.get(slot, ()) if name in hearers])
        return rendezvous(key, present, self.capacities)


def rendezvous(
    key: bytes, candidates: tuple[str, ...], capacities: Mapping[str, float] | None = None
) -> str | None:
    """The candidate that a key belongs to (highest random weight); None if there is none.

    capacities: by candidate, 1 where it is missing; keys are shared in proportion to them.
    """
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    if not capacities or len({capacities.get(name, 1.0) for name in candidates}) == 1:
        return _first_of_equals(key, candidates)
    # -w / ln(u) for u drawn evenly from (0, 1): each is the greatest with a chance of w.
    return max(
        candidates,
        key=lambda name: -capacities.get(name, 1.0) / math.log(_draw(key, name)),
    )


# The inner path asks several times for each request, and a digest for each device adds up.
@lru_cache(maxsize=2048)
def _first_of_equals(key: bytes, candidates: tuple[str, ...]) -> str:
    """The logarithm keeps the order, so equal weights can do without it."""
    return max(candidates, key=lambda name: _draw(key, name))


def _draw(key: bytes, name: str) -> float:
    """A number in (0, 1), both excluded, that depends on the key and the name alone."""
    digest = hashlib.blake2b(name.encode(), key=key, digest_size=8).digest()
    # 52 bits and a half: as many as a float holds exactly, so that none is rounded up to 1.
    return ((int.from_bytes(digest) >> 12) + 0.5) / 2**52
