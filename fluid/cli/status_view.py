"""What `fluid status` shows of a cluster: as a JSON document, and as a table for people."""

from functools import partial
from typing import TYPE_CHECKING, Any

from fluid.cli.notes import different_bundles
from fluid.cli.printable import MOST_OF_A_MESSAGE, printable
from fluid.client import ClusterSnapshot
from fluid.messages.control import AgentState, Presence

if TYPE_CHECKING:
    from rich.console import RenderableType

_SHORT_DIGEST = 12
_HEADINGS = ("device", "role", "state", "slots", "serves", "queue", "busy", "seen", "bundle")
# What a narrow terminal does without, in this order. The rest says whether the cluster works.
_DISPENSABLE = ("role", "bundle", "busy", "queue", "seen")
_STATE_STYLES: dict[str, str] = {AgentState.ONLINE: "green", AgentState.OFFLINE: "red"}


def document(snapshot: ClusterSnapshot, now_s: float, *, trouble: str = "") -> dict[str, Any]:
    """The JSON of `--json`; docs/protocol.md describes it."""
    state = snapshot.state
    return {
        "leader": _leader(snapshot),
        "mode": state.mode if state else None,
        "operator_mode": state.operator_mode if state else None,
        "term": state.term if state else None,
        "epoch": state.epoch if state else None,
        "bundles": _bundles(snapshot),
        "members": [_member(snapshot, each, now_s) for each in snapshot.presences],
        "trouble": trouble or None,
    }


def table(snapshot: ClusterSnapshot, now_s: float, *, trouble: str = "") -> "RenderableType":
    """The same for people."""
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 -- `--json` needs no table
    from rich.console import Group  # noqa: PLC0415 -- as above
    from rich.table import Table  # noqa: PLC0415 -- as above
    from rich.text import Text  # noqa: PLC0415 -- as above

    from fluid.cli.fitting import Column, FittingTable  # noqa: PLC0415 -- as above

    rows = tuple(
        tuple(Text(cell, _style(column, cell)) for column, cell in enumerate(cells))
        for cells in (_cells(snapshot, each, now_s) for each in snapshot.presences)
    )
    devices = FittingTable(
        tuple(map(Column, _HEADINGS)),
        rows,
        _DISPENSABLE,
        partial(Table, box=SIMPLE_HEAD, padding=(0, 1, 0, 0)),
    )
    parts: list[RenderableType] = [Text(headline(snapshot)), devices]
    if (note := different_bundles(snapshot)) is not None:
        parts.append(Text(note))
    if trouble:
        reason = printable(trouble, most=MOST_OF_A_MESSAGE)
        parts.append(Text(f"the broker is gone ({reason}); this is how it was, trying again"))
    return Group(*parts)


def _style(column: int, cell: str) -> str:
    """Colour says again what the word says; where there is none, nothing is lost."""
    return _STATE_STYLES.get(cell, "") if _HEADINGS[column] == "state" else ""


def headline(snapshot: ClusterSnapshot) -> str:
    state = snapshot.state
    if state is None:
        return "no leader yet"
    name = printable(state.leader)
    leader = name if snapshot.has_leader else f"{name} (gone)"
    return (
        f"mode {state.mode} (operator: {state.operator_mode}), leader {leader}, "
        f"term {state.term}, epoch {state.epoch}"
    )


def _leader(snapshot: ClusterSnapshot) -> str | None:
    return snapshot.state.leader if snapshot.state and snapshot.has_leader else None


def _bundles(snapshot: ClusterSnapshot) -> dict[str, list[str]]:
    """The online devices by the digest of their bundle."""
    bundles: dict[str, list[str]] = {}
    for each in snapshot.online:
        bundles.setdefault(each.bundle, []).append(each.agent)
    return bundles


def _member(snapshot: ClusterSnapshot, presence: Presence, now_s: float) -> dict[str, Any]:
    heartbeat = snapshot.heartbeats.get(presence.agent)
    silent_s = snapshot.silent_s(presence.agent, now_s)
    return {
        "agent": presence.agent,
        "state": presence.state,
        "role": presence.role,
        "leads": presence.agent == _leader(snapshot),
        "slots": list(_slots(snapshot, presence)),
        "serving": presence.serving,
        "bundle": presence.bundle,
        "incarnation": presence.incarnation,
        "interpreter": presence.interpreter,
        "pins": list(presence.pins),
        "max_slots": presence.max_slots,
        "capacity": presence.capacity,
        "queue": heartbeat.queue if heartbeat else None,
        "busy": heartbeat.busy if heartbeat else None,
        "last_seen_s": None if silent_s is None else round(silent_s, 3),
    }


def _slots(snapshot: ClusterSnapshot, presence: Presence) -> tuple[str, ...]:
    return snapshot.state.slots_of(presence.agent) if snapshot.state else ()


def _cells(snapshot: ClusterSnapshot, presence: Presence, now_s: float) -> tuple[str, ...]:
    heartbeat = snapshot.heartbeats.get(presence.agent)
    silent_s = snapshot.silent_s(presence.agent, now_s)
    leads = presence.agent == _leader(snapshot)
    return (
        f"{presence.agent} *" if leads else presence.agent,
        presence.role,
        presence.state,
        ", ".join(map(printable, _slots(snapshot, presence))),
        presence.serving or "",
        str(heartbeat.queue) if heartbeat else "?",
        f"{heartbeat.busy:.0%}" if heartbeat else "?",
        "?" if silent_s is None else f"{silent_s:.1f} s",
        printable(presence.bundle[:_SHORT_DIGEST]),
    )
