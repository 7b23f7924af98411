"""`fluid status`: the devices, what each of them does, and the mode."""

import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import click

from fluid.bus.protocol import Bus
from fluid.cli.errors import CommandFailed
from fluid.cli.notes import different_bundles
from fluid.cli.seconds import Seconds
from fluid.cli.target import Target, target_options
from fluid.client import ClusterSnapshot, cluster_snapshot
from fluid.errors import BrokerUnreachable
from fluid.messages.control import Presence
from fluid.topics import Topics

_POLL_S = 0.2
_EXIT_NOBODY = 1


@click.command()
@click.option(
    "--wait",
    "wanted",
    type=click.IntRange(min=1),
    metavar="N",
    help="Wait until N devices are online and serve in the cluster's mode.",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=Seconds(),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long --wait waits.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@target_options
def status(*, target: Target, wanted: int | None, timeout_s: float, as_json: bool) -> None:
    """Show the devices, what each does, and the mode.

    Exit status: 0 if a device is online, or with --wait if N of them serve; 1 if not, or if the
    broker cannot be used; 2 if an option cannot.
    """
    buses, topics = target.buses(), target.topics
    if wanted is None:
        snapshot = cluster_snapshot(buses, topics)
    else:
        snapshot = _wait_for(wanted, buses, topics, timeout_s=timeout_s)
    if as_json:
        click.echo(json.dumps(_document(snapshot)))
    elif not snapshot.presences:
        click.echo(f"no agent has announced itself below '{topics.base}'")
    else:
        _print_table(snapshot)
    if snapshot.unreadable:
        click.echo(f"warning: {snapshot.unreadable} messages could not be read", err=True)
    if wanted is not None and (serving := _count_serving(snapshot)) < wanted:
        raise CommandFailed(f"{serving} of {wanted} devices serve after {timeout_s:g} s")
    if not snapshot.online:
        sys.exit(_EXIT_NOBODY)


def _wait_for(
    wanted: int, buses: Sequence[Bus], topics: Topics, *, timeout_s: float
) -> ClusterSnapshot:
    """The first snapshot in which `wanted` devices serve, or the last one in time.

    A broker that does not answer may still be starting; raises `BrokerUnreachable` if it does
    not answer in time either.
    """
    deadline_s = time.monotonic() + timeout_s
    while True:
        try:
            snapshot = cluster_snapshot(buses, topics)
        except BrokerUnreachable:
            if time.monotonic() >= deadline_s:
                raise
        else:
            if _count_serving(snapshot) >= wanted or time.monotonic() >= deadline_s:
                return snapshot
        time.sleep(_POLL_S)


def _count_serving(snapshot: ClusterSnapshot) -> int:
    """How many devices hear the requests of the mode that the cluster is in.

    The broker also says online of a device that it has not missed yet: only a heartbeat shows it.
    """
    if snapshot.state is None or not snapshot.has_leader:
        return 0
    return sum(
        each.agent in snapshot.heartbeats and each.serving is snapshot.state.mode
        for each in snapshot.online
    )


def _document(snapshot: ClusterSnapshot) -> dict[str, Any]:
    state = snapshot.state
    return {
        "leader": state.leader if state and snapshot.has_leader else None,
        "mode": state.mode if state else None,
        "operator_mode": state.operator_mode if state else None,
        "term": state.term if state else None,
        "epoch": state.epoch if state else None,
        "members": [_member(snapshot, each) for each in snapshot.presences],
    }


def _member(snapshot: ClusterSnapshot, presence: Presence) -> dict[str, Any]:
    heartbeat = snapshot.heartbeats.get(presence.agent)
    return {
        "agent": presence.agent,
        "state": presence.state,
        "role": presence.role,
        "slots": list(_slots(snapshot, presence)),
        "bundle": presence.bundle,
        "incarnation": presence.incarnation,
        "interpreter": presence.interpreter,
        "queue": heartbeat.queue if heartbeat else None,
        "busy": heartbeat.busy if heartbeat else None,
    }


def _slots(snapshot: ClusterSnapshot, presence: Presence) -> tuple[str, ...]:
    return snapshot.state.slots_of(presence.agent) if snapshot.state else ()


def _print_table(snapshot: ClusterSnapshot) -> None:
    from rich.console import Console  # noqa: PLC0415 -- `--json` needs no table
    from rich.markup import escape  # noqa: PLC0415 -- as above
    from rich.table import Table  # noqa: PLC0415 -- as above

    table = Table()
    for heading in ("device", "role", "state", "slots", "bundle", "queue", "busy"):
        table.add_column(heading, overflow="fold")
    for presence in snapshot.presences:
        heartbeat = snapshot.heartbeats.get(presence.agent)
        table.add_row(
            escape(presence.agent),
            presence.role,
            presence.state,
            escape(", ".join(_slots(snapshot, presence))),
            escape(presence.bundle[:12]),
            str(heartbeat.queue) if heartbeat else "?",
            f"{heartbeat.busy:.0%}" if heartbeat else "?",
        )
    console = Console()
    console.print(escape(_headline(snapshot)))
    console.print(table)
    if (note := different_bundles(snapshot)) is not None:
        click.echo(note)


def _headline(snapshot: ClusterSnapshot) -> str:
    state = snapshot.state
    if state is None:
        return "no leader yet"
    leader = state.leader if snapshot.has_leader else f"{state.leader} (gone)"
    return (
        f"mode {state.mode} (operator: {state.operator_mode}), leader {leader}, "
        f"term {state.term}, epoch {state.epoch}"
    )
