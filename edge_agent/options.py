"""What `edge-agent` and `edge-agent doctor` are told: one set of options, each with a variable.

The variables are what a service manager sets from a file, so that a device's settings stand in one
place for the agent and for whoever looks for what is wrong with it. Nothing is opened here.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

import click

from edge_agent.core.settings import Settings, Timing
from edge_agent.home_assistant import DEFAULT_PREFIX
from edge_agent.logs import LogFormat
from edge_agent.option_types import AgentId, Capacity, Duration, TopicName
from edge_agent.wire import DEFAULT_RECEIVE_MAXIMUM
from fluid.bundle import Bundle
from fluid.bus.mqtt import MqttBus, credentials, parse_addresses
from fluid.cli.tls import TlsFiles, tls_options
from fluid.interpreter import InterpreterPackage
from fluid.messages import Mode, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """As given, and checked each for itself; the meaning of each is in its help."""

    agent_id: str
    role: str
    broker_urls: tuple[str, ...]
    tls: TlsFiles
    session_secret_file: Path | None
    bundle_folder: Path
    base_topic: str
    vote: str
    max_slots: int
    pins: tuple[str, ...]
    capacity: float
    forget_after_s: float
    in_flight: int
    metrics_port: int
    metrics_host: str
    home_assistant: bool | None
    home_assistant_prefix: str
    log_format: str
    verbose: bool

    def buses(self) -> list[MqttBus]:
        """To the brokers, in the order of preference. Raises ValueError and `CredentialsError`."""
        files = credentials(*self.tls)
        return [MqttBus(address, files) for address in parse_addresses(self.broker_urls)]

    def settings(self, bundle: Bundle, package: InterpreterPackage, *, brokers: int) -> Settings:
        """Raises ValueError for what does not fit the bundle."""
        return Settings(
            agent=self.agent_id,
            role=Role(self.role),
            manifest=bundle.manifest,
            digest=bundle.digest,
            interpreter=package.description,
            vote=Mode(self.vote),
            max_slots=self.max_slots,
            brokers=brokers,
            pins=tuple(dict.fromkeys(self.pins)),
            capacity=self.capacity,
            in_flight=self.in_flight,
            timing=Timing(forget_after_s=self.forget_after_s),
        )


def _option(*names: str, envvar: str, **attributes: Any) -> Callable[..., Any]:
    return click.option(*names, envvar=envvar, show_envvar=True, **attributes)


def _choice(*names: str, envvar: str, default: StrEnum, meaning: str) -> Callable[..., Any]:
    """An option whose values are those of the default's enumeration; meaning: its help."""
    values = click.Choice([each.value for each in type(default)])
    return _option(
        *names, envvar=envvar, type=values, default=default.value, show_default=True, help=meaning
    )


_OPTIONS = (
    _choice(
        "--role",
        envvar="FLUID_ROLE",
        default=Role.WORKER,
        meaning="A master is preferred as leader and takes the first slot.",
    ),
    _option(
        "--id",
        "agent_id",
        envvar="FLUID_ID",
        type=AgentId(),
        required=True,
        help="This agent's own name. A certificate has to be issued to it.",
    ),
    _option(
        "--broker",
        "broker_urls",
        envvar="FLUID_BROKER",
        multiple=True,
        default=["mqtt://127.0.0.1:1883"],
        show_default=True,
        help="mqtt://[USER:PASSWORD@]HOST[:PORT], or mqtts:// for TLS. Several, separated by "
        "commas or given one by one, are in order of preference: while one is down, the next is "
        "used. Give all agents and clients the same.",
    ),
    tls_options,
    _option(
        "--session-secret-file",
        envvar="FLUID_SESSION_SECRET_FILE",
        type=click.Path(path_type=Path),
        help="A file with a secret that all agents share and nobody else knows: without it, "
        "whoever may connect can take an agent's requests over by its client id.",
    ),
    _option(
        "--bundle",
        "bundle_folder",
        envvar="FLUID_BUNDLE",
        type=click.Path(path_type=Path),
        required=True,
        help="The folder that `fluid train` wrote, or a symbolic link to it.",
    ),
    _option(
        "--base-topic",
        envvar="FLUID_BASE_TOPIC",
        default="fluid",
        show_default=True,
        help="All topics live below it.",
    ),
    _choice(
        "--vote",
        envvar="FLUID_VOTE",
        default=Mode.AUTO,
        meaning="The mode that this device asks for.",
    ),
    _option(
        "--max-slots",
        envvar="FLUID_MAX_SLOTS",
        type=click.IntRange(1, 64),
        default=1,
        show_default=True,
        help="How many slots it may hold at once.",
    ),
    _option(
        "--pin-slot",
        "pins",
        envvar="FLUID_PIN_SLOT",
        multiple=True,
        metavar="NAME",
        help="Hold only this slot of the bundle; may be given again (in the variable: with a space "
        "between), up to --max-slots times.",
    ),
    _option(
        "--capacity",
        envvar="FLUID_CAPACITY",
        type=Capacity(),
        default=1.0,
        show_default=True,
        help="How much work it can do next to the others of its slot: in HA, with 2 it gets twice "
        "as much as one with 1.",
    ),
    _option(
        "--forget-after",
        "forget_after_s",
        envvar="FLUID_FORGET_AFTER",
        type=Duration(),
        default="24h",
        show_default=True,
        help="While it leads: when a device that is gone is forgotten, such as 90s, 15m, 24h or "
        "7d; 0 for never.",
    ),
    _option(
        "--in-flight",
        envvar="FLUID_IN_FLIGHT",
        type=click.IntRange(1, 10_000),
        default=DEFAULT_RECEIVE_MAXIMUM,
        show_default=True,
        help="Requests that it may hold unanswered; the broker keeps the rest.",
    ),
    _option(
        "--metrics-port",
        envvar="FLUID_METRICS_PORT",
        type=click.IntRange(0, 65_535),
        default=0,
        help="Serve Prometheus metrics on this port; without it, or with 0, nothing is counted.",
    ),
    _option(
        "--metrics-host",
        envvar="FLUID_METRICS_HOST",
        default="127.0.0.1",
        show_default=True,
        help="The address of this device to serve metrics on; 0.0.0.0 for all.",
    ),
    _option(
        "--home-assistant/--no-home-assistant",
        envvar="FLUID_HOME_ASSISTANT",
        default=None,
        help="Show this device, and the cluster while it leads, in Home Assistant (2024.11 or "
        "later) by MQTT discovery; --no-home-assistant removes them again. Give all agents the "
        "same. Without either, nothing is said.",
    ),
    _option(
        "--home-assistant-prefix",
        envvar="FLUID_HOME_ASSISTANT_PREFIX",
        type=TopicName(),
        default=DEFAULT_PREFIX,
        show_default=True,
        help="Home Assistant's discovery prefix.",
    ),
    _choice(
        "--log-format",
        envvar="FLUID_LOG_FORMAT",
        default=LogFormat.TEXT,
        meaning="Lines of 'name key=value ...', or a JSON object a line.",
    ),
    _option(
        "--verbose",
        envvar="FLUID_VERBOSE",
        is_flag=True,
        help="Log each request, when it comes and is answered.",
    ),
)


def agent_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add all options of an agent; the command gets them as `options`."""

    @functools.wraps(command)
    def with_options(*arguments: Any, **given: Any) -> None:
        own = {each.name: given.pop(each.name) for each in fields(Options)}
        command(*arguments, options=Options(**own), **given)

    decorated: Callable[..., None] = with_options
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated
