"""Who works together on a request: the members, and which of them does what for which request.

Pure functions of the members and the request's key, so that all who see the same members agree
without a word. Members are spread by rendezvous hashing, in proportion to their capacities: when
one leaves, only its own requests move.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from fluid.bundle import Manifest


@dataclass(frozen=True, slots=True)
class Team:
    """One agent's view of the members that hear every request now.

    members: all of them, ourselves included. holders: by slot, those of them that hold it and
    serve our bundle, ourselves included. capacities: of the members that are not of capacity 1.
    """

    me: str
    manifest: Manifest = field(compare=False)
    members: tuple[str, ...] = ()
    holders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    capacities: Mapping[str, float] = field(default_factory=dict)

    def combiner(self, key: bytes, hearers: tuple[str, ...]) -> str:
        """The member that adds up the partial logits of a request and answers it.

        hearers: the members when the request arrived; whoever came later has not heard it.
        """
        present = tuple(name for name in hearers if name in self.members)
        return rendezvous(key, present, self.capacities) or self.me

    def my_slots(self) -> tuple[str, ...]:
        return tuple(slot for slot in self.manifest.slots if self.me in self.holders.get(slot, ()))

    def my_stages(self) -> tuple[str, ...]:
        """What this device answers with when it answers alone."""
        return tuple(self.manifest.widest_stage(slot).name for slot in self.my_slots())

    def my_share(self, key: bytes, hearers: tuple[str, ...]) -> tuple[str, ...]:
        """What this device computes when all who heard a request work on it together."""
        return tuple(
            self.manifest.widest_stage(slot).name
            for slot in self.my_slots()
            if self._holder(slot, key, hearers) == self.me
        )

    def owners(
        self, stages: tuple[str, ...], key: bytes, hearers: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Who of those who heard a request is to compute these stages for it."""
        holders = (self._holder(self.manifest.stage(stage).slot, key, hearers) for stage in stages)
        return tuple(holder for holder in holders if holder is not None)

    def due(self, hearers: tuple[str, ...]) -> tuple[str, ...]:
        """All stages that a complete answer is made of, of those who heard the request and are
        still there."""
        return tuple(
            self.manifest.widest_stage(slot).name
            for slot in self.manifest.slots
            if any(holder in hearers for holder in self.holders.get(slot, ()))
        )

    def _holder(self, slot: str, key: bytes, hearers: tuple[str, ...]) -> str | None:
        present = tuple(name for name in self.holders[slot] if name in hearers)
        return rendezvous(key, present, self.capacities)


def rendezvous(
    key: bytes, candidates: tuple[str, ...], capacities: Mapping[str, float] | None = None
) -> str | None:
    """The candidate that a key belongs to (highest random weight); None if there is none.

    capacities: by candidate, 1 where it is missing; keys are shared in proportion to them.
    """
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    weights = {(capacities or {}).get(name, 1.0) for name in candidates}
    if len(weights) == 1:
        # The logarithm keeps the order, so equal weights can do without it: this is the inner
        # path of each request.
        return max(candidates, key=lambda name: _draw(key, name))
    # -w / ln(u) for u drawn evenly from (0, 1): each is the greatest with a chance of w.
    return max(
        candidates,
        key=lambda name: -(capacities or {}).get(name, 1.0) / math.log(_draw(key, name)),
    )


def _draw(key: bytes, name: str) -> float:
    """A number in (0, 1), both excluded, that depends on the key and the name alone."""
    digest = hashlib.blake2b(name.encode(), key=key, digest_size=8).digest()
    # 52 bits and a half: as many as a float holds exactly, so that none is rounded up to 1.
    return ((int.from_bytes(digest) >> 12) + 0.5) / 2**52
