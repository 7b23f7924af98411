"""`edge-agent`: the command that a device runs."""

import logging
import signal
import sys
from pathlib import Path

import click

from edge_agent.core.settings import Settings, Timing
from edge_agent.option_types import Capacity, Duration
from edge_agent.runtime import Agent, Outcome
from edge_agent.wire import DEFAULT_RECEIVE_MAXIMUM, SessionOptions, Wire
from fluid.bundle import load_bundle
from fluid.bus.mqtt import BrokerAddress, MqttBus
from fluid.errors import FluidError
from fluid.interpreter import find_interpreter
from fluid.messages import Mode, Role
from fluid.topics import Topics, is_agent_id

EXIT_UNUSABLE = 2
_log = logging.getLogger(__name__)


class AgentId(click.ParamType[str]):
    """An agent id: it becomes part of topics and of the client id."""

    name = "id"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not is_agent_id(value):
            self.fail("use up to 64 letters, digits, '.', '_' or '-'", param, ctx)
        return value


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fluid-edge")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.WORKER.value,
    show_default=True,
    help="A master is preferred as leader and takes the first slot.",
)
@click.option("--id", "agent_id", type=AgentId(), required=True, help="This agent's own name.")
@click.option(
    "--broker",
    "broker_url",
    envvar="FLUID_BROKER",
    show_envvar=True,
    default="mqtt://127.0.0.1:1883",
    show_default=True,
    help="mqtt://[USER:PASSWORD@]HOST[:PORT], or mqtts:// for TLS.",
)
@click.option(
    "--bundle",
    "bundle_folder",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder that `fluid train` wrote.",
)
@click.option(
    "--base-topic",
    envvar="FLUID_BASE_TOPIC",
    show_envvar=True,
    default="fluid",
    show_default=True,
    help="All topics live below it.",
)
@click.option(
    "--vote",
    type=click.Choice([mode.value for mode in Mode]),
    default=Mode.AUTO.value,
    show_default=True,
    help="The mode that this device asks for.",
)
@click.option(
    "--max-slots",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="How many slots it may hold at once.",
)
@click.option(
    "--pin-slot",
    "pins",
    multiple=True,
    metavar="NAME",
    help="Hold only this slot of the bundle; may be given again, up to --max-slots times.",
)
@click.option(
    "--capacity",
    type=Capacity(),
    default=1.0,
    show_default=True,
    help="How much work it can do next to the others: with 2, twice as much as one with 1.",
)
@click.option(
    "--forget-after",
    "forget_after_s",
    type=Duration(),
    default="24h",
    show_default=True,
    help="While it leads: when a device that is gone is forgotten, such as 90s, 15m, 24h or 7d; "
    "0 for never.",
)
@click.option(
    "--in-flight",
    type=click.IntRange(1, 10_000),
    default=DEFAULT_RECEIVE_MAXIMUM,
    show_default=True,
    help="Requests that it may hold unanswered; the broker keeps the rest.",
)
@click.option("--verbose", is_flag=True, help="Log more.")
def main(  # noqa: PLR0913 - one argument for each option
    *,
    role: str,
    agent_id: str,
    broker_url: str,
    bundle_folder: Path,
    base_topic: str,
    vote: str,
    max_slots: int,
    pins: tuple[str, ...],
    capacity: float,
    forget_after_s: float,
    in_flight: int,
    verbose: bool,
) -> None:
    """Serve a slot of a bundle, and carry on when other agents come and go.

    Exit status: 0 after SIGTERM or Ctrl-C, 2 if the bundle or an option cannot be used, 3 if the
    broker refuses the credentials, 4 if another agent has the same id.
    """
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    try:
        bundle = load_bundle(bundle_folder)
        package = find_interpreter()
        wire = Wire(Topics(base_topic), agent_id, SessionOptions(receive_maximum=in_flight))
        bus = MqttBus(BrokerAddress.parse(broker_url))
        settings = Settings(
            agent=agent_id,
            role=Role(role),
            manifest=bundle.manifest,
            digest=bundle.digest,
            interpreter=package.description,
            vote=Mode(vote),
            max_slots=max_slots,
            pins=tuple(dict.fromkeys(pins)),
            capacity=capacity,
            in_flight=in_flight,
            timing=Timing(forget_after_s=forget_after_s),
        )
        agent = Agent(settings, bundle, bus=bus, wire=wire, package=package)
    except (FluidError, ValueError, OSError) as error:
        _end(Outcome(EXIT_UNUSABLE, str(error)))
    _log.info(
        "starting id=%s role=%s bundle=%s digest=%s interpreter=%r broker=%s",
        agent_id,
        role,
        bundle.manifest.name,
        bundle.digest[:12],
        package.description,
        bus.address,
    )
    _leave_on_signals(agent)
    _end(agent.run())


def _leave_on_signals(agent: Agent) -> None:
    """The first signal asks for an end in good order, the second ends at once."""

    def handle(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        agent.leave()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)


def _end(outcome: Outcome) -> None:
    if outcome.message:
        click.echo(f"error: {outcome.message}", err=True)
    sys.exit(outcome.status)


if __name__ == "__main__":
    main()
