"""What happened in a cluster, told from one look at it to the next.

Owns the sentences of the page's log. Pure: views and moments in, happenings out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from fluid.client import ClusterSnapshot
from fluid.client.observer import ClusterView
from fluid.messages.control import AgentState, Mode, Presence

# An agent that the others take for dead: `dead_after` in docs/protocol.md.
SILENT_AFTER_S = 2.0
# An adopter sends its marker again while it does not come back: that is one adoption.
_SAME_ADOPTION_S = 10.0
_MOST_ADOPTIONS = 256  # anybody may name agents that never were

MODE_NAMES = {Mode.HA: "high accuracy", Mode.HT: "high throughput", Mode.AUTO: "automatic"}


class Kind(StrEnum):
    """What a happening is about; the page gives each its colour."""

    WATCHING = "watching"
    JOINED = "joined"
    LEFT = "left"
    DIED = "died"
    SILENT = "silent"
    HEARD = "heard"
    FORGOTTEN = "forgotten"
    PLACED = "placed"
    ADOPTED = "adopted"
    LEADER = "leader"
    MODE = "mode"
    BUNDLE = "bundle"
    BROKER_LOST = "broker-lost"
    BROKER_BACK = "broker-back"


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the log: what it is about, and a sentence for people."""

    kind: Kind
    text: str


class Chronicle:
    """Tells what changed since the look before. Moments are of one monotonic clock."""

    def __init__(self) -> None:
        self._before: ClusterView | None = None
        self._silent: frozenset[str] = frozenset()
        self._online_since_s: dict[str, float] = {}  # as far as we saw it
        self._adopted_at_s: dict[str, float] = {}

    @property
    def silent(self) -> frozenset[str]:
        """The agents that are said to be online and that nothing is heard of."""
        return self._silent

    def look(self, view: ClusterView, now_s: float) -> tuple[Happening, ...]:
        """What is another than at the last look."""
        before, self._before = self._before, view
        told = tuple(_between(before, view))
        return (*told, *self._listen(view, now_s))

    def adoption(self, agent: str, now_s: float) -> tuple[Happening, ...]:
        """Somebody empties the session of this agent: who, is the leader's business to be."""
        last_s = self._adopted_at_s.pop(agent, None)
        self._adopted_at_s[agent] = now_s
        if len(self._adopted_at_s) > _MOST_ADOPTIONS:
            del self._adopted_at_s[next(iter(self._adopted_at_s))]
        if last_s is not None and now_s - last_s < _SAME_ADOPTION_S:
            return ()
        state = self._before.snapshot.state if self._before else None
        who = state.leader if state else "the leader"
        return (Happening(Kind.ADOPTED, f"{who} took over the requests of {agent}"),)

    def _listen(self, view: ClusterView, now_s: float) -> Iterator[Happening]:
        """Who fell silent, and who is heard again. Without a broker nobody is."""
        if view.trouble:
            self._online_since_s.clear()
            return
        online = {each.agent for each in view.snapshot.online}
        self._online_since_s = {agent: self._online_since_s.get(agent, now_s) for agent in online}
        silences_s = {agent: self._silence_s(view.snapshot, agent, now_s) for agent in online}
        silent = frozenset(each for each, for_s in silences_s.items() if for_s >= SILENT_AFTER_S)
        for agent in sorted(silent - self._silent):
            yield Happening(Kind.SILENT, f"nothing is heard of {agent}")
        for agent in sorted((self._silent - silent) & online):
            yield Happening(Kind.HEARD, f"{agent} is heard again")
        self._silent = silent

    def _silence_s(self, snapshot: ClusterSnapshot, agent: str, now_s: float) -> float:
        """The last heartbeat of one that has just come back is of its life before."""
        online_s = now_s - self._online_since_s[agent]
        silent_s = snapshot.silent_s(agent, now_s)
        return online_s if silent_s is None else min(online_s, silent_s)


def _between(before: ClusterView | None, after: ClusterView) -> Iterator[Happening]:
    if before is None:
        yield Happening(Kind.WATCHING, _greeting(after.snapshot))
    elif after.trouble:
        if not before.trouble:
            yield Happening(Kind.BROKER_LOST, f"the broker is gone ({after.trouble})")
    else:
        if before.trouble:
            yield Happening(Kind.BROKER_BACK, "the broker is back")
        yield from _devices(before.snapshot, after.snapshot)
        yield from _decisions(before.snapshot, after.snapshot)


def _greeting(snapshot: ClusterSnapshot) -> str:
    count = len(snapshot.online)
    devices = "1 device is" if count == 1 else f"{count or 'no'} devices are"
    if snapshot.state is None or not snapshot.has_leader:
        return f"watching: {devices} online, nobody leads"
    mode = MODE_NAMES[snapshot.state.mode]
    return f"watching: {devices} online, {snapshot.state.leader} leads, the mode is {mode}"


def _devices(before: ClusterSnapshot, after: ClusterSnapshot) -> Iterator[Happening]:
    known = {each.agent: each for each in before.presences}
    present = {each.agent: each for each in after.presences}
    for agent, presence in present.items():
        yield from _device(known.get(agent), presence)
    for agent in sorted(known.keys() - present.keys()):
        yield Happening(Kind.FORGOTTEN, f"{agent} was forgotten")


def _device(before: Presence | None, after: Presence) -> Iterator[Happening]:
    agent = after.agent
    was_online = before is not None and before.state is AgentState.ONLINE
    is_online = after.state is AgentState.ONLINE
    if is_online and not was_online:
        yield Happening(Kind.JOINED, f"{agent} joined" if before is None else f"{agent} is back")
    elif is_online and before is not None and before.incarnation != after.incarnation:
        yield Happening(Kind.JOINED, f"{agent} connected anew")
    elif before is not None and was_online and not is_online:
        # Who leaves in order says first that it serves nothing; a last will says nothing first.
        if before.serving is not None:
            yield Happening(Kind.DIED, f"{agent} went down without a word")
        else:
            yield Happening(Kind.LEFT, f"{agent} left")
    if before is not None and is_online and before.bundle != after.bundle:
        yield Happening(Kind.BUNDLE, f"{agent} serves another bundle, {after.bundle[:12]}")


def _decisions(before: ClusterSnapshot, after: ClusterSnapshot) -> Iterator[Happening]:
    if before.has_leader and not after.has_leader:
        yield Happening(Kind.LEADER, "nobody leads")
    state, former = after.state, before.state
    if state is None:
        return
    if after.has_leader and (
        former is None or not before.has_leader or former.leader != state.leader
    ):
        yield Happening(Kind.LEADER, f"{state.leader} leads, in term {state.term}")
    if former is None:
        return
    if state.operator_mode is not former.operator_mode:
        wish = MODE_NAMES[state.operator_mode]
        yield Happening(Kind.MODE, f"an operator asked for the mode {wish}")
    if state.mode is not former.mode:
        yield Happening(Kind.MODE, f"the mode is {MODE_NAMES[state.mode]}")
    for agent in state.members:
        slots = state.slots_of(agent)
        if slots and slots != former.slots_of(agent):
            yield Happening(Kind.PLACED, f"{agent} holds {' and '.join(slots)}")
