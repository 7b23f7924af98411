"""Which device holds which slot: a pure function of the members and of what held before.

Moving a slot costs a pause, so everybody keeps what it holds unless a slot is empty or the work
is grossly uneven. What comes out is a fixed point: placed again, nothing moves.
"""

from collections import deque
from collections.abc import Mapping, Sequence

from fluid.messages import Presence, Role

# A move between slots that are held has to be worth its pause.
_LEAST_GAIN = 1.25


def place_groups(
    members: Sequence[Presence],
    previous: Mapping[str, tuple[str, ...]],
    *,
    own_slots: Sequence[str],
) -> dict[str, tuple[str, ...]]:
    """Place the members of each bundle among that bundle's slots; holders by slot name.

    During a rolling update two bundles serve side by side. A slot that both have names the
    holders of both: whoever reads it knows the bundles. own_slots: the leader's, which come
    first, and count for agents that do not say theirs.
    """
    groups: dict[str, list[Presence]] = {}
    for member in members:
        groups.setdefault(member.bundle, []).append(member)
    merged: dict[str, tuple[str, ...]] = dict.fromkeys(own_slots, ())
    for _, group in sorted(groups.items()):
        slots = min(group, key=lambda member: member.agent).slots or own_slots
        for slot, holders in place(slots, group, previous).items():
            merged[slot] = tuple(sorted({*merged.get(slot, ()), *holders}))
    return merged


def place(
    slots: Sequence[str],
    members: Sequence[Presence],
    previous: Mapping[str, tuple[str, ...]],
) -> dict[str, tuple[str, ...]]:
    """Give every member of one bundle its slots: holders by slot, in the order of `slots`.

    As many slots are held as pins and `max_slots` allow. A newcomer gets the slot whose holders
    have the least capacity; among equals a master takes the first and a worker the last, so that
    two devices match the paper whichever boots first. More than one slot is held only by a device
    without which the others would be empty.
    """
    board = _Board(slots, members, previous)
    board.seat_newcomers()
    board.cover_slots()
    board.even_out()
    return {slot: tuple(board.holders(slot)) for slot in slots}


class _Board:
    """A placement while it is made. Works through members by name and slots in order, so that
    the outcome does not depend on the order in which members are given."""

    def __init__(
        self,
        slots: Sequence[str],
        members: Sequence[Presence],
        previous: Mapping[str, tuple[str, ...]],
    ) -> None:
        self._slots = slots
        self._choices = {
            member.agent: choices
            for member in members
            if member.max_slots > 0 and (choices := _choices(member, slots))
        }
        self._members = sorted(
            (member for member in members if member.agent in self._choices),
            key=lambda member: member.agent,
        )
        self._held = {
            member.agent: [
                slot
                for slot in self._choices[member.agent]
                if member.agent in previous.get(slot, ())
            ][: member.max_slots]
            for member in self._members
        }

    def holders(self, slot: str) -> list[str]:
        return [agent for agent, held in self._held.items() if slot in held]

    def seat_newcomers(self) -> None:
        """Give everybody a slot; whoever has the least choice goes first."""
        newcomers = [member for member in self._members if not self._held[member.agent]]
        for member in sorted(newcomers, key=lambda each: len(self._choices[each.agent])):
            capacities = self._capacities()
            choices = self._choices[member.agent]
            self._held[member.agent].append(min(choices, key=lambda slot: capacities[slot]))

    def cover_slots(self) -> None:
        """Have as many slots held as can be."""
        for slot in self._slots:
            if not self.holders(slot):
                self._cover(slot)

    def even_out(self) -> None:
        """Until nothing is left to do. It ends: each step leaves fewer slots held in excess, or as
        many and the work of the busiest less, or that too and the slots' capacities closer."""
        while self._give_back() or self._move_replica() or self._share_excess():
            pass

    def _cover(self, slot: str) -> None:
        """Find the shortest chain of moves that ends with the slot held (an augmenting path)."""
        gives_up: dict[str, tuple[str, str] | None] = {slot: None}
        wanted_slots = deque([slot])
        while wanted_slots:
            wanted = wanted_slots.popleft()
            if (found := self._spare_device(wanted)) is not None:
                self._follow(wanted, *found, gives_up)
                return
            for member in self._takers(wanted):
                for given in self._held[member.agent]:
                    if given not in gives_up:
                        gives_up[given] = (member.agent, wanted)
                        wanted_slots.append(given)

    def _spare_device(self, slot: str) -> tuple[str, str | None] | None:
        """Who can take a slot and leave none empty, and what it lets go for it."""
        takers = self._takers(slot)
        capacities = self._capacities()
        replicas = [
            (member, held)
            for member in takers
            for held in self._held[member.agent]
            if len(self.holders(held)) > 1
        ]
        if replicas:
            member, held = max(
                replicas, key=lambda each: capacities[each[1]] - self._weight(each[0])
            )
            return member.agent, held
        roomy = [member for member in takers if len(self._held[member.agent]) < member.max_slots]
        if roomy:
            return min(roomy, key=lambda member: self._work(member, more=1)).agent, None
        return None

    def _follow(
        self,
        wanted: str,
        agent: str,
        let_go: str | None,
        gives_up: Mapping[str, tuple[str, str] | None],
    ) -> None:
        """Carry out a chain of moves from its end to the slot that was empty."""
        if let_go is not None:
            self._held[agent].remove(let_go)
        self._held[agent].append(wanted)
        while (step := gives_up[wanted]) is not None:
            agent, next_wanted = step
            self._held[agent].remove(wanted)
            self._held[agent].append(next_wanted)
            wanted = next_wanted

    def _give_back(self) -> bool:
        """Let a device with several slots go of one that another holds too."""
        capacities = self._capacities()
        for member in self._members:
            held = self._held[member.agent]
            shared = [
                slot
                for slot in self._choices[member.agent]
                if slot in held and len(self.holders(slot)) > 1
            ]
            if len(held) > 1 and shared:
                # Of equals it keeps what it likes best.
                held.remove(max(reversed(shared), key=lambda slot: capacities[slot]))
                return True
        return False

    def _move_replica(self) -> bool:
        """Move a device from a strong slot to a weak one, if the weaker then gains enough."""
        capacities = self._capacities()
        counts = {slot: len(self.holders(slot)) for slot in self._slots}
        best: tuple[float, str, str, str] | None = None
        for member in self._members:
            (source, *more) = self._held[member.agent]
            if more or counts[source] < 2:
                continue
            left = capacities[source] - member.capacity
            for target in self._choices[member.agent]:
                if target == source or not counts[target]:
                    continue
                weaker = min(left, capacities[target] + member.capacity)
                enough = weaker >= _LEAST_GAIN * capacities[target]
                if enough and (best is None or weaker > best[0]):
                    best = (weaker, member.agent, source, target)
        if best is None:
            return False
        _, agent, source, target = best
        self._held[agent].remove(source)
        self._held[agent].append(target)
        return True

    def _share_excess(self) -> bool:
        """Hand one of a device's several slots to one that has clearly less to do."""
        for giver in self._members:
            if len(self._held[giver.agent]) < 2:
                continue
            for taker in self._members:
                room = len(self._held[taker.agent]) < taker.max_slots
                if not room or self._work(giver) < _LEAST_GAIN * self._work(taker, more=1):
                    continue
                for slot in self._choices[taker.agent]:
                    if slot in self._held[giver.agent] and slot not in self._held[taker.agent]:
                        self._held[giver.agent].remove(slot)
                        self._held[taker.agent].append(slot)
                        return True
        return False

    def _takers(self, slot: str) -> list[Presence]:
        return [
            member
            for member in self._members
            if slot in self._choices[member.agent] and slot not in self._held[member.agent]
        ]

    def _capacities(self) -> dict[str, float]:
        """What the holders of each slot can do for it together."""
        capacities = dict.fromkeys(self._slots, 0.0)
        for member in self._members:
            for slot in self._held[member.agent]:
                capacities[slot] += self._weight(member)
        return capacities

    def _weight(self, member: Presence) -> float:
        """What a device can do for each of its slots."""
        return member.capacity / max(1, len(self._held[member.agent]))

    def _work(self, member: Presence, *, more: int = 0) -> float:
        """How long a device takes for its slots, relative to others; with `more` of them."""
        return (len(self._held[member.agent]) + more) / member.capacity


def _choices(member: Presence, slots: Sequence[str]) -> list[str]:
    """The slots that a device may hold, best first."""
    liked = slots if member.role is Role.MASTER else reversed(slots)
    return [slot for slot in liked if not member.pins or slot in member.pins]
