"""`fluid mode`: tell the cluster how to work, and say what it does then."""

import click

from fluid.cli.errors import CommandFailed
from fluid.cli.notes import different_bundles
from fluid.cli.seconds import timeout_option
from fluid.cli.target import Target, target_options
from fluid.client import set_mode
from fluid.messages.control import Mode


@click.command()
@click.argument("mode", type=click.Choice([mode.value for mode in Mode]))
@timeout_option("How long to wait for the cluster to take it up.", default_s=5.0)
@target_options
def mode(*, target: Target, mode: str, timeout_s: float) -> None:
    """Set the mode: high accuracy, high throughput, or automatic.

    ha: all devices answer each image together. ht: each device answers its own images. auto:
    the cluster chooses by its load, or as most of its devices vote.
    """
    wanted = Mode(mode)
    snapshot = set_mode(target.buses(), target.topics, wanted, timeout_s=timeout_s)
    state = snapshot.state
    if state is None or not snapshot.has_leader:
        raise CommandFailed("no leader answers: is an agent running there?")
    if state.operator_mode is not wanted:
        raise CommandFailed(
            f"leader {state.leader} has not taken up '{wanted}' within {timeout_s:g} s; "
            f"the mode is {state.mode}"
        )
    if wanted is not Mode.AUTO and state.mode is not wanted:
        raise CommandFailed(
            f"leader {state.leader} has taken up '{wanted}', but the mode is still {state.mode}"
        )
    click.echo(f"mode is {state.mode} (asked for: {wanted}; leader {state.leader})")
    if state.mode is Mode.HA and (note := different_bundles(snapshot)) is not None:
        click.echo(note)
