"""`edge-agent doctor`: the command."""

import json
import sys

import click

from edge_agent.doctor.examination import examine
from edge_agent.doctor.finding import Status, worst
from edge_agent.options import Options, agent_options

_EXITS = {Status.OK: 0, Status.FAILED: 1, Status.WARNING: 3}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@agent_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def doctor(*, options: Options, as_json: bool) -> None:
    """Say what would keep an agent with these options from serving, and what to do.

    Takes what `edge-agent` takes, from the same variables, and looks at the bundle, the
    interpreter, the certificate files, the clock, the session secret and each broker: its name, its
    port, TLS, whether it lets this agent in and what it lets it do. An agent that runs is not
    disturbed.

    Exit status: 0 if all is well, 1 if something failed, 3 if there are only warnings, 2 if an
    option cannot be used.
    """
    findings = []
    for finding in examine(options):
        findings.append(finding)
        if not as_json:
            click.echo(str(finding))
    status = worst(findings)
    if as_json:
        document = {"status": status, "findings": [each.to_json() for each in findings]}
        click.echo(json.dumps(document))
    sys.exit(_EXITS[status])
