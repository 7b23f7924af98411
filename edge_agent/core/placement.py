"""Which device holds which slot: a pure function of the members and of what held before."""

from collections.abc import Mapping, Sequence

from fluid.messages import Presence, Role


def place(
    slots: Sequence[str],
    members: Sequence[Presence],
    previous: Mapping[str, tuple[str, ...]],
) -> dict[str, tuple[str, ...]]:
    """Give every member its slots: holders by slot, in the order of `slots`.

    A member keeps what it holds, because moving a slot costs a pause and the paper's survivor
    keeps its own half. A newcomer gets the slot with the fewest holders; among equals a master
    takes the first and a worker the last, so that two devices match the paper whichever boots
    first. A slot that nobody holds is given to a member with room (`max_slots`), else to one of
    several that hold the same.
    """
    held: dict[str, list[str]] = {
        slot: [
            member.agent
            for member in members
            if member.agent in previous.get(slot, ()) and member.max_slots > 0
        ]
        for slot in slots
    }
    for member in members:
        if member.max_slots > 0 and not _slots_of(held, member.agent):
            held[_emptiest(slots, held, member)].append(member.agent)
    for slot in slots:
        if not held[slot]:
            _fill(slot, held, members)
    return {slot: tuple(sorted(holders)) for slot, holders in held.items()}


def _fill(slot: str, held: dict[str, list[str]], members: Sequence[Presence]) -> None:
    for member in members:
        if len(_slots_of(held, member.agent)) < member.max_slots:
            held[slot].append(member.agent)
            return
    fullest = max(held, key=lambda name: len(held[name]))
    if len(held[fullest]) > 1:
        held[slot].append(held[fullest].pop())


def _emptiest(slots: Sequence[str], held: Mapping[str, Sequence[str]], member: Presence) -> str:
    preferred = list(slots) if member.role is Role.MASTER else list(reversed(slots))
    return min(preferred, key=lambda slot: len(held[slot]))


def _slots_of(held: Mapping[str, Sequence[str]], agent: str) -> list[str]:
    return [slot for slot, holders in held.items() if agent in holders]
