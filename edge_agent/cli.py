"""`edge-agent`: the command that a device runs."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import click
from click.shell_completion import CompletionItem

from edge_agent.bundle_source import BundleSource
from edge_agent.core.settings import Settings
from edge_agent.home_assistant import Discovery, HomeAssistantObserver
from edge_agent.log_event import LogEvent
from edge_agent.log_observer import LogObserver
from edge_agent.logs import LogFormat, start_log
from edge_agent.native_output import logged_native_output
from edge_agent.observer import Observer
from edge_agent.options import Options, agent_options
from edge_agent.runtime import Agent, Outcome
from edge_agent.service_manager import ServiceManager
from edge_agent.service_observer import ServiceObserver
from edge_agent.session_secret import read_secret
from edge_agent.wire import SessionOptions, Wire
from fluid.bundle import load_bundle
from fluid.bus import Bus
from fluid.errors import FluidError
from fluid.interpreter import find_interpreter
from fluid.messages import Role
from fluid.servable import expect_servable
from fluid.topics import Topics

EXIT_UNUSABLE = 2
_log = logging.getLogger(__name__)


class _AgentCommand(click.Command):
    """Itself an agent; with `doctor` as the first word, the command of that name."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        if args[:1] != ["doctor"]:
            return super().make_context(info_name, args, parent, **extra)
        from edge_agent.doctor.cli import doctor  # noqa: PLC0415 - an agent has no need of it

        return doctor.make_context(f"{info_name} doctor", args[1:], parent, **extra)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        items = super().shell_complete(ctx, incomplete)
        if incomplete and "doctor".startswith(incomplete):
            items.append(CompletionItem("doctor", help="Say what would keep it from serving."))
        return items

    def invoke(self, ctx: click.Context) -> Any:
        return super().invoke(ctx) if ctx.command is self else ctx.command.invoke(ctx)


@click.command(cls=_AgentCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fluid-edge")
@agent_options
def main(*, options: Options) -> None:
    """Serve a slot of a bundle, and carry on when other agents come and go.

    When the bundle folder changes, or on SIGHUP, the new bundle is verified and loaded, and then
    served; a bad one is refused in the log, and the old one is served on.

    Under systemd (Type=notify) it says when it runs and what it does, and gives signs of life
    while its own heartbeats come back and its interpreter does (WatchdogSec=).

    `edge-agent doctor` takes the same options and variables, and says what is wrong with them.

    Exit status: 0 after SIGTERM or Ctrl-C, 1 after a fault of the agent's own, 2 if the bundle or
    an option cannot be used, 3 if the broker (each of them) refuses the credentials, 4 if another
    agent has the same id.
    """
    manager = ServiceManager.of(os.environ)
    log = start_log(LogFormat(options.log_format), verbose=options.verbose)
    try:
        source = BundleSource.at(options.bundle_folder)
        bundle = load_bundle(options.bundle_folder)
        expect_servable(bundle.manifest)
        package = find_interpreter()
        wire = _wire(options)
        bus, *fallbacks = options.buses()
        settings = options.settings(bundle, package, brokers=1 + len(fallbacks))
        observers: list[Observer] = [LogObserver(log)]
        if manager.listens:
            observers.append(ServiceObserver(manager, options.agent_id, broker=str(bus)))
        if options.metrics_port:
            observers.append(
                _serve_metrics(settings, host=options.metrics_host, port=options.metrics_port)
            )
        if options.home_assistant is not None:
            observers.append(_tell_home_assistant(options, wire, [bus, *fallbacks]))
        # A program that parses each line must not meet the interpreter's own greeting.
        with logged_native_output() if options.log_format == LogFormat.JSON else nullcontext():
            agent = Agent(
                settings,
                bundle,
                bus=bus,
                wire=wire,
                package=package,
                source=source,
                fallbacks=fallbacks,
                observers=observers,
                reloaded=manager.ready,
            )
    except (FluidError, ValueError, OSError) as error:
        _end(Outcome(EXIT_UNUSABLE, str(error)))
    start = {
        "id": options.agent_id,
        "role": options.role,
        "bundle": bundle.manifest.name,
        "digest": bundle.digest[:12],
        "interpreter": package.description,
        "broker": ",".join(str(each) for each in (bus, *fallbacks)),
    }
    _log.info(LogEvent("starting", start))
    _leave_on_signals(agent)
    _reload_on_signal(agent, manager)
    _end_with_any_thread(agent)
    _end(agent.run())


def _wire(options: Options) -> Wire:
    secret_file = options.session_secret_file
    return Wire(
        Topics(options.base_topic),
        options.agent_id,
        SessionOptions(receive_maximum=options.in_flight),
        secret=read_secret(secret_file) if secret_file else b"",
    )


def _serve_metrics(settings: Settings, *, host: str, port: int) -> Observer:
    """The observer that counts; its endpoint is closed when the command ends."""
    try:
        from edge_agent.metrics import Metrics  # noqa: PLC0415 - only where it is wanted
        from edge_agent.metrics_endpoint import MetricsEndpoint  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise FluidError(
            "--metrics-port needs prometheus-client: pip install 'fluid-edge[agent]'"
        ) from error
    metrics = Metrics(settings, version=_version())
    endpoint = MetricsEndpoint(metrics.registry, host=host, port=port)
    click.get_current_context().with_resource(endpoint)
    return metrics


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - a megabyte that few agents need

    return version("fluid-edge")


def _tell_home_assistant(options: Options, wire: Wire, buses: Sequence[Bus]) -> Observer:
    """The observer that tells of this agent; its link is closed when the command ends."""
    discovery = Discovery(
        wire.topics,
        options.agent_id,
        Role(options.role),
        version=_version(),
        prefix=options.home_assistant_prefix,
    )
    observer = HomeAssistantObserver(
        discovery, buses, wire.home_assistant_options, withdraws=not options.home_assistant
    )
    click.get_current_context().with_resource(observer)
    return observer


def _leave_on_signals(agent: Agent) -> None:
    """The first signal asks for an end in good order, the second ends at once."""

    def handle(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        agent.leave()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)


def _reload_on_signal(agent: Agent, manager: ServiceManager) -> None:
    def handle(_number: int, _frame: object) -> None:
        manager.reloading()
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
