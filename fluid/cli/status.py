"""`fluid status`: the devices, what each of them does, and the mode."""

import json
from typing import Any

import click

from fluid.cli.target import Target, target_options
from fluid.client import ClusterSnapshot, cluster_snapshot
from fluid.messages.control import Presence


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@target_options
def status(*, target: Target, as_json: bool) -> None:
    """Show the devices, what each does, and the mode."""
    snapshot = cluster_snapshot(target.bus(), target.topics)
    if as_json:
        click.echo(json.dumps(_document(snapshot)))
    elif not snapshot.presences:
        click.echo(f"no agent has announced itself below '{target.topics.base}'")
    else:
        _print_table(snapshot)
    if snapshot.unreadable:
        click.echo(f"warning: {snapshot.unreadable} messages could not be read", err=True)


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


def _headline(snapshot: ClusterSnapshot) -> str:
    state = snapshot.state
    if state is None:
        return "no leader yet"
    leader = state.leader if snapshot.has_leader else f"{state.leader} (gone)"
    return (
        f"mode {state.mode} (operator: {state.operator_mode}), leader {leader}, "
        f"term {state.term}, epoch {state.epoch}"
    )
