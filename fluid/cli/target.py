"""Which cluster a command talks to: the options that all of them share.

A `Bus` given as click's context object is used instead of a broker, so that tests and other
programs can run the commands without one.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click

from fluid.bus.protocol import Bus
from fluid.cli.tls import NO_FILES, TlsFiles, tls_options
from fluid.client import DEFAULT_BROKER, FluidClient
from fluid.topics import Topics

_CONNECT_S = 5.0  # at most, to each broker


@dataclass(frozen=True, slots=True)
class Target:
    """A cluster: the topics below its base at its brokers (or on `given_bus`)."""

    brokers: tuple[str, ...]
    topics: Topics
    tls: TlsFiles = NO_FILES
    given_bus: Bus | None = None

    def buses(self) -> tuple[Bus, ...]:
        """The buses to its brokers, in the order of preference; raises click's error for a
        malformed address."""
        if self.given_bus is not None:
            return (self.given_bus,)
        # Only the commands that connect wait for paho, and only once they do.
        from fluid.bus.mqtt import (  # noqa: PLC0415 -- as said above
            MqttBus,
            credentials,
            parse_addresses,
        )

        with _bad_address():
            files = credentials(*self.tls)
            return tuple(MqttBus(each, files) for each in parse_addresses(self.brokers))

    def client(self, *, timeout_s: float) -> FluidClient:
        """A client of it; raises click's error for a malformed address."""
        base_topic = self.topics.base
        if self.given_bus is not None:
            return FluidClient(bus=self.given_bus, base_topic=base_topic, timeout_s=timeout_s)
        with _bad_address():
            return FluidClient(
                self.brokers,
                base_topic=base_topic,
                timeout_s=timeout_s,
                connect_timeout_s=min(timeout_s, _CONNECT_S),
                **self.tls._asdict(),
            )


@contextmanager
def _bad_address() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--broker'") from error


def target_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add `--broker`, `--base-topic` and the files for TLS; the command gets them as `target`."""

    @click.option(
        "--broker",
        "brokers",
        multiple=True,
        envvar="FLUID_BROKER",
        show_envvar=True,
        default=[DEFAULT_BROKER],
        show_default=True,
        metavar="URL",
        help="mqtt://[user:password@]host[:port], or mqtts:// for TLS. Several, separated by "
        "commas or given one by one, are tried in this order.",
    )
    @click.option(
        "--base-topic",
        envvar="FLUID_BASE_TOPIC",
        show_envvar=True,
        default="fluid",
        show_default=True,
        metavar="TOPIC",
        callback=_topics,
        help="What all topics of the cluster begin with.",
    )
    @tls_options
    @click.pass_context
    @functools.wraps(command)
    def with_target(
        ctx: click.Context,
        /,
        brokers: tuple[str, ...],
        base_topic: Topics,
        tls: TlsFiles,
        **rest: Any,
    ) -> None:
        target = Target(brokers, base_topic, tls, given_bus=ctx.find_root().obj)
        command(target=target, **rest)

    return with_target


def _topics(_ctx: click.Context, _parameter: click.Parameter, value: str) -> Topics:
    try:
        return Topics(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
