"""`fluid status`: the devices, what each of them does, and the mode."""

import json
import sys
import time
from collections.abc import Sequence

import click

from fluid.bus.protocol import Bus
from fluid.cli.errors import CommandFailed, ExitCode
from fluid.cli.json_option import json_option
from fluid.cli.seconds import timeout_option
from fluid.cli.status_view import document, table
from fluid.cli.status_watch import watch_json, watch_table
from fluid.cli.target import Target, target_options
from fluid.client import ClusterSnapshot, cluster_snapshot
from fluid.client.observer import ClusterObserver
from fluid.errors import BrokerUnreachable
from fluid.topics import Topics

_POLL_S = 0.2
_LOOK_S = 5.0  # at most, at each broker


@click.command()
@click.option(
    "--wait",
    "wanted",
    type=click.IntRange(min=1),
    metavar="N",
    help="Wait until N devices are online and serve in the cluster's mode.",
)
@timeout_option("How long --wait waits.", default_s=30.0)
@click.option(
    "--watch",
    is_flag=True,
    help="Go on until Ctrl-C: a table that is kept up to date, or with --json a line for each "
    "change but of the load, and at least one each 5 s. A broker that goes away is waited for.",
)
@json_option("Print one JSON object; with --watch one a line.")
@target_options
def status(
    *, target: Target, wanted: int | None, timeout_s: float, watch: bool, as_json: bool
) -> None:
    """Show the devices, what each does, and the mode.

    The leader has a star. 'seen' is how long ago this command heard a device's heartbeat; '?' if it
    heard none. On a narrow terminal, columns are left out; docs/concepts.md says which.
    docs/protocol.md describes the JSON, which always has all.

    Exit status: 0 if a device is online, or with --wait if N of them serve; 1 if not, or if the
    broker cannot be used; 2 if an option cannot; 130 after Ctrl-C.
    """
    if watch and wanted is not None:
        raise click.UsageError("--wait ends and --watch does not: use one of them")
    buses, topics = target.buses(), target.topics
    if watch:
        with ClusterObserver(buses, topics) as observer:
            (watch_json if as_json else watch_table)(observer)
    if wanted is None:
        snapshot = cluster_snapshot(buses, topics)
    else:
        snapshot = _wait_for(wanted, buses, topics, timeout_s=timeout_s)
    if as_json:
        click.echo(json.dumps(document(snapshot, time.monotonic())))
    elif not snapshot.presences:
        click.echo(
            f"no agent has announced itself below '{topics.base}', or only operators may see it: "
            "start one with 'edge-agent'; check --base-topic, and the user in --broker"
        )
    else:
        _print_table(snapshot)
    if snapshot.unreadable:
        click.echo(f"warning: {snapshot.unreadable} messages could not be read", err=True)
    if wanted is not None and (serving := _count_serving(snapshot)) < wanted:
        raise CommandFailed(
            f"{serving} of {wanted} devices serve after {timeout_s:g} s: the logs of the others "
            "say why, or 'edge-agent doctor' there"
        )
    if not snapshot.online:
        sys.exit(ExitCode.FAILED)


def _wait_for(
    wanted: int, buses: Sequence[Bus], topics: Topics, *, timeout_s: float
) -> ClusterSnapshot:
    """The first snapshot in which `wanted` devices serve, or the last one in time.

    A broker that does not answer may still be starting; raises `BrokerUnreachable` if it does
    not answer in time either.
    """
    deadline_s = time.monotonic() + timeout_s
    told = False
    before: ClusterSnapshot | None = None
    while True:
        left_s = (deadline_s - time.monotonic()) / len(buses)
        look_s = max(0.01, round(min(left_s, _LOOK_S), 2))  # an error says it, so it is a round one
        snapshot: ClusterSnapshot | None = None
        try:
            snapshot = cluster_snapshot(buses, topics, timeout_s=look_s)
        except BrokerUnreachable:
            if before is None and _is_over(deadline_s):
                raise
        if snapshot is not None and _count_serving(snapshot) >= wanted:
            return snapshot
        # The last look may have had no time for all: the one before it did.
        if (found := before or snapshot) is not None and _is_over(deadline_s):
            return found
        before = snapshot
        if not told:
            click.echo(f"waiting up to {timeout_s:g} s for {wanted} to serve", err=True)
            told = True
        time.sleep(_POLL_S)


def _is_over(deadline_s: float) -> bool:
    """Whether no time is left for another look."""
    return time.monotonic() + _POLL_S >= deadline_s


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


def _print_table(snapshot: ClusterSnapshot) -> None:
    from rich.console import Console  # noqa: PLC0415 -- `--json` needs no table

    Console().print(table(snapshot, time.monotonic()))
