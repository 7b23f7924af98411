"""`fluid mode`: tell the cluster how to work, and say what it does then."""

import json

import click

from fluid.cli.errors import CommandFailed
from fluid.cli.json_option import json_option
from fluid.cli.notes import different_bundles
from fluid.cli.seconds import timeout_option
from fluid.cli.target import Target, target_options
from fluid.client import set_mode
from fluid.messages.control import Mode


@click.command()
@click.argument("mode", type=click.Choice([mode.value for mode in Mode]))
@timeout_option("How long to wait for the cluster to take it up.", default_s=5.0)
@json_option()
@target_options
def mode(*, target: Target, mode: str, timeout_s: float, as_json: bool) -> None:
    """Set the mode: high accuracy, high throughput, or automatic.

    ha: all devices answer each image together. ht: each device answers its own images. auto:
    the cluster chooses by its load, or as most of its devices vote.

    Exit status: 0 once the cluster is in it (with auto: once the leader has heard it), 1 if not.
    """
    wanted = Mode(mode)
    snapshot = set_mode(target.buses(), target.topics, wanted, timeout_s=timeout_s)
    state = snapshot.state
    if state is None or not snapshot.has_leader:
        raise CommandFailed(
            "no leader answers: is an agent running there? 'fluid status' shows who is online"
        )
    if state.operator_mode is not wanted:
        raise CommandFailed(
            f"leader {state.leader} has not taken up '{wanted}' within {timeout_s:g} s; "
            f"the mode is {state.mode}: try again, or with a longer --timeout"
        )
    if wanted is not Mode.AUTO and state.mode is not wanted:
        raise CommandFailed(
            f"leader {state.leader} has taken up '{wanted}', but the mode is still {state.mode}: "
            "'fluid status' shows who serves, 'fluid inspect' what the bundle can do"
        )
    note = different_bundles(snapshot) if state.mode is Mode.HA else None
    if as_json:
        document = {
            "mode": state.mode,
            "operator_mode": wanted,
            "leader": state.leader,
            "term": state.term,
            "note": note,
        }
        click.echo(json.dumps(document))
        return
    click.echo(f"mode is {state.mode} (asked for: {wanted}; leader {state.leader})")
    if note is not None:
        click.echo(note)
