"""`fluid forget`: remove a device that is gone for good from what the brokers keep."""

import json
from collections.abc import Sequence

import click

from fluid.bus.protocol import Bus
from fluid.cli.errors import CommandFailed
from fluid.cli.json_option import json_option
from fluid.cli.printable import MOST_OF_A_MESSAGE, printable
from fluid.cli.seconds import timeout_option
from fluid.cli.target import Target, target_options
from fluid.client import ClusterSnapshot, cluster_snapshot, forget_agent
from fluid.errors import BrokerError
from fluid.messages.control import AgentState
from fluid.topics import Topics, is_agent_id


def _agent_id(_ctx: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not is_agent_id(value):
        raise click.BadParameter(
            f"{value!r} is no agent id: 1 to 64 letters, digits, dots, dashes and underscores, "
            "a letter or a digit first; 'fluid status' shows them"
        )
    return value


@click.command()
@click.argument("agent", callback=_agent_id)
@click.option(
    "--force",
    is_flag=True,
    help="Also if it is online or unknown, if nobody leads, or if a broker does not answer. An "
    "agent that runs announces itself again.",
)
@timeout_option("How long each broker may take.", default_s=5.0)
@json_option()
@target_options
def forget(*, target: Target, agent: str, force: bool, timeout_s: float, as_json: bool) -> None:
    """Forget a device that is gone for good.

    Clears its presence, term, attempt note and list of condemned requests, at each broker that is
    given. What its session holds is answered by the others first. A leader does this itself after
    --forget-after, where the broker lets it; with the rights that we ship, it takes an operator.

    Exit status: 0 once each broker has confirmed it; 1 if it is not to be forgotten, or a broker
    does not answer or refuses; 2 if an option cannot.
    """
    topics = target.topics
    snapshots, errors = _look(target.buses(), topics, timeout_s=timeout_s)
    if errors and not (force and snapshots):
        raise type(errors[0])("; ".join(map(str, errors))) from errors[-1]
    if not force:
        _check(agent, [snapshot for _, snapshot in snapshots])
    for bus, _ in snapshots:
        forget_agent(bus, topics, agent, timeout_s=timeout_s)
    for error in errors:
        reason = printable(str(error), most=MOST_OF_A_MESSAGE)
        click.echo(f"warning: not forgotten there: {reason}", err=True)
    if as_json:
        document = {"forgotten": agent, "brokers": len(snapshots), "failed": list(map(str, errors))}
        click.echo(json.dumps(document))
    else:
        click.echo(f"{agent} is forgotten")


def _look(
    buses: Sequence[Bus], topics: Topics, *, timeout_s: float
) -> tuple[list[tuple[Bus, ClusterSnapshot]], list[BrokerError]]:
    """The cluster at each broker that can be used, and why the others cannot."""
    snapshots: list[tuple[Bus, ClusterSnapshot]] = []
    errors: list[BrokerError] = []
    for bus in buses:
        try:
            snapshots.append((bus, cluster_snapshot(bus, topics, timeout_s=timeout_s)))
        except BrokerError as error:
            errors.append(error)
    return snapshots, errors


def _check(agent: str, snapshots: Sequence[ClusterSnapshot]) -> None:
    """Raise `CommandFailed` unless an agent is gone, and somebody looks after what it left."""
    presences = [each for snapshot in snapshots for each in snapshot.presences]
    states = [each.state for each in presences if each.agent == agent]
    if AgentState.ONLINE in states:
        raise CommandFailed(f"{agent} is online: stop it first, or use --force [agent_online]")
    if not states:
        known = ", ".join(sorted({each.agent for each in presences})) or "nobody"
        raise CommandFailed(
            f"no presence of {agent} is kept, but of: {known}; --force clears what else there may "
            "be [agent_unknown]"
        )
    if not any(snapshot.has_leader for snapshot in snapshots):
        raise CommandFailed(
            f"nobody leads, who would answer what {agent} left unanswered: start an agent first, "
            "or use --force [no_leader]"
        )
