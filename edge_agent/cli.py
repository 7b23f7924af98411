"""`edge-agent`: the command that a device runs."""

import logging
import signal
import sys
import threading
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path

import click

from edge_agent.bundle_source import BundleSource
from edge_agent.core.settings import Settings, Timing
from edge_agent.log_event import LogEvent
from edge_agent.log_observer import LogObserver
from edge_agent.logs import LogFormat, start_log
from edge_agent.native_output import logged_native_output
from edge_agent.observer import Observer
from edge_agent.option_types import Capacity, Duration
from edge_agent.runtime import Agent, Outcome
from edge_agent.wire import DEFAULT_RECEIVE_MAXIMUM, SessionOptions, Wire
from fluid.bundle import load_bundle
from fluid.bus.mqtt import MqttBus, parse_addresses
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
    "broker_urls",
    multiple=True,
    envvar="FLUID_BROKER",
    show_envvar=True,
    default=["mqtt://127.0.0.1:1883"],
    show_default=True,
    help="mqtt://[USER:PASSWORD@]HOST[:PORT], or mqtts:// for TLS. Several, separated by commas "
    "or given one by one, are in order of preference: while one is down, the next is used. Give "
    "all agents and clients the same.",
)
@click.option(
    "--bundle",
    "bundle_folder",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder that `fluid train` wrote, or a symbolic link to it.",
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
    help="How much work it can do next to the others of its slot: in HA, with 2 it gets twice as "
    "much as one with 1.",
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
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65_535),
    default=0,
    help="Serve Prometheus metrics on this port; without it, or with 0, nothing is counted.",
)
@click.option(
    "--metrics-host",
    default="127.0.0.1",
    show_default=True,
    help="The address of this device to serve metrics on; 0.0.0.0 for all.",
)
@click.option(
    "--log-format",
    type=click.Choice([each.value for each in LogFormat]),
    default=LogFormat.TEXT.value,
    show_default=True,
    help="Lines of 'name key=value ...', or a JSON object a line.",
)
@click.option("--verbose", is_flag=True, help="Log each request, when it comes and is answered.")
def main(  # noqa: PLR0913 - one argument for each option
    *,
    role: str,
    agent_id: str,
    broker_urls: tuple[str, ...],
    bundle_folder: Path,
    base_topic: str,
    vote: str,
    max_slots: int,
    pins: tuple[str, ...],
    capacity: float,
    forget_after_s: float,
    in_flight: int,
    metrics_port: int,
    metrics_host: str,
    log_format: str,
    verbose: bool,
) -> None:
    """Serve a slot of a bundle, and carry on when other agents come and go.

    When the bundle folder changes, or on SIGHUP, the new bundle is verified and loaded, and then
    served; a bad one is refused in the log, and the old one is served on.

    Exit status: 0 after SIGTERM or Ctrl-C, 1 after a fault of the agent's own, 2 if the bundle or
    an option cannot be used, 3 if the broker (each of them) refuses the credentials, 4 if another
    agent has the same id.
    """
    log = start_log(LogFormat(log_format), verbose=verbose)
    try:
        source = BundleSource.at(bundle_folder)
        bundle = load_bundle(bundle_folder)
        package = find_interpreter()
        wire = Wire(Topics(base_topic), agent_id, SessionOptions(receive_maximum=in_flight))
        bus, *fallbacks = [MqttBus(address) for address in parse_addresses(broker_urls)]
        settings = Settings(
            agent=agent_id,
            role=Role(role),
            manifest=bundle.manifest,
            digest=bundle.digest,
            interpreter=package.description,
            vote=Mode(vote),
            max_slots=max_slots,
            brokers=1 + len(fallbacks),
            pins=tuple(dict.fromkeys(pins)),
            capacity=capacity,
            in_flight=in_flight,
            timing=Timing(forget_after_s=forget_after_s),
        )
        observers: list[Observer] = [LogObserver(log)]
        if metrics_port:
            observers.append(_serve_metrics(settings, host=metrics_host, port=metrics_port))
        # A program that parses each line must not meet the interpreter's own greeting.
        with logged_native_output() if log_format == LogFormat.JSON else nullcontext():
            agent = Agent(
                settings,
                bundle,
                bus=bus,
                wire=wire,
                package=package,
                source=source,
                fallbacks=fallbacks,
                observers=observers,
            )
    except (FluidError, ValueError, OSError) as error:
        _end(Outcome(EXIT_UNUSABLE, str(error)))
    start = {
        "id": agent_id,
        "role": role,
        "bundle": bundle.manifest.name,
        "digest": bundle.digest[:12],
        "interpreter": package.description,
        "broker": ",".join(str(each) for each in (bus, *fallbacks)),
    }
    _log.info(LogEvent("starting", start))
    _leave_on_signals(agent)
    _reload_on_signal(agent)
    _end_with_any_thread(agent)
    _end(agent.run())


def _serve_metrics(settings: Settings, *, host: str, port: int) -> Observer:
    """The observer that counts; its endpoint is closed when the command ends."""
    try:
        from edge_agent.metrics import Metrics  # noqa: PLC0415 - only where it is wanted
        from edge_agent.metrics_endpoint import MetricsEndpoint  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise FluidError(
            "--metrics-port needs prometheus-client: pip install 'fluid-edge[agent]'"
        ) from error
    metrics = Metrics(settings, version=version("fluid-edge"))
    endpoint = MetricsEndpoint(metrics.registry, host=host, port=port)
    click.get_current_context().with_resource(endpoint)
    return metrics


def _leave_on_signals(agent: Agent) -> None:
    """The first signal asks for an end in good order, the second ends at once."""

    def handle(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        agent.leave()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)


def _reload_on_signal(agent: Agent) -> None:
    def handle(_number: int, _frame: object) -> None:
        agent.reload()

    signal.signal(signal.SIGHUP, handle)


def _end_with_any_thread(agent: Agent) -> None:
    """The last resort: where a thread dies of something that nobody caught, the agent must not go
    on looking alive."""

    def hook(died: threading.ExceptHookArgs) -> None:
        name = died.thread.name if died.thread else "a thread"
        threading.__excepthook__(died)
        agent.fail(f"the thread '{name}' failed: {died.exc_value!r}")

    threading.excepthook = hook


def _end(outcome: Outcome) -> None:
    if outcome.message and click.get_current_context().params["log_format"] == LogFormat.JSON:
        _log.error(LogEvent("ended", {"status": outcome.status, "message": outcome.message}))
    elif outcome.message:
        click.echo(f"error: {outcome.message}", err=True)
    sys.exit(outcome.status)


if __name__ == "__main__":
    main()
