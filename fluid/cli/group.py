"""The `fluid` command: finds its subcommands, imports only the one that runs, and says errors.

Other packages bring commands through the entry point group `fluid.commands`, because `fluid`
must not import them: the trainer's need TensorFlow, which a device does not have.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from fluid.cli.errors import CommandFailed, ExitCode, explain
from fluid.cli.streams import encode_anything, written_or_said
from fluid.errors import FluidError

# `importlib.metadata` takes a megabyte or two, which an agent, whose options are beside these
# commands, can do without.
if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINT_GROUP = "fluid.commands"

# Commands of this package: where each is, and what `fluid --help` says without importing it.
_OWN = {
    "bench": ("fluid.bench.cli", "Measure the paper's figure and what the cluster can do."),
    "completion": (
        "fluid.cli.completion",
        "Print the script that completes commands and options in a shell.",
    ),
    "dashboard": ("fluid.cli.dashboard", "Serve a web page that shows the cluster as it works."),
    "forget": ("fluid.cli.forget", "Forget a device that is gone for good."),
    "infer": ("fluid.cli.infer", "Have images classified by the cluster."),
    "inspect": ("fluid.cli.inspect", "Show what a bundle holds, and what its parts cost."),
    "mode": ("fluid.cli.mode", "Set the mode: high accuracy, high throughput, or automatic."),
    "status": ("fluid.cli.status", "Show the devices, what each does, and the mode."),
}

# What `fluid --help` says of our commands that come through the entry points. To ask them would be
# to import them; a test holds each line against the command's own help.
_SUMMARIES = {
    "compare": "Compare static, dynamic and fluid networks under equal conditions.",
    "dataset": "Write images of a data set, or of a folder of pictures, to a file.",
    "demo": "Train, serve with two agents, kill each of them, and show what happened.",
    "evaluate": "Measure the accuracy of a bundle's sub-networks on a data set.",
    "train": "Train a network and write its bundle.",
    "verify": "Prove that devices answer together, bit for bit, what one device answers.",
}

# The extra of the distribution that a package's commands need: the trainer's, which holds the
# agent's too, for all that are not named here.
_EXTRAS = {"edge_agent": "agent"}
_OUR_PACKAGES = frozenset({"fluid", "trainer", "edge_agent", "broker"})


class FluidGroup(click.Group):
    """A group whose commands are imported when they run, and not when they are listed."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        encode_anything()
        with written_or_said():
            return super().main(*arguments, **options)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        return sorted({*_OWN, *_entry_points()})

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 -- click's signature
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name in _OWN:
            module_name, _ = _OWN[cmd_name]
            command: object = getattr(importlib.import_module(module_name), cmd_name)
        elif cmd_name in (found := _entry_points()):
            command = _load(found[cmd_name])
        else:
            return None
        if not isinstance(command, click.Command):
            raise TypeError(f"'fluid {cmd_name}' is registered, but it is no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, self._summary(name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """As click's own, but without importing each command to ask for its help."""
        items = [
            CompletionItem(name, help=self._summary(name))
            for name in self.list_commands(ctx)
            if name.startswith(incomplete)
        ]
        return items + click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except FluidError as error:
            raise CommandFailed(explain(error)) from error
        except KeyboardInterrupt:
            # Some commands say more themselves. click would end with 1, as for a failure.
            click.echo("interrupted", err=True)
            ctx.exit(ExitCode.INTERRUPTED)

    def _summary(self, name: str) -> str:
        if name in _OWN:
            return _OWN[name][1]
        return _SUMMARIES.get(name, f"(see 'fluid {name} --help')")


def _entry_points() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # noqa: PLC0415 -- as said above

    return {each.name: each for each in entry_points(group=ENTRY_POINT_GROUP)}


def _load(entry_point: EntryPoint) -> object:
    try:
        return entry_point.load()
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing.partition(".")[0] in _OUR_PACKAGES:
            raise  # an installation that lacks one of our own modules is broken
        package = entry_point.module.partition(".")[0]
        extra = _EXTRAS.get(package, "trainer")
        raise CommandFailed(
            f"'fluid {entry_point.name}' needs the {extra} extra: "
            f"pip install '.[{extra}]' in the clone"
        ) from error


def _print_version(ctx: click.Context, _parameter: click.Parameter, value: object) -> None:
    if not value or ctx.resilient_parsing:
        return
    from importlib import metadata  # noqa: PLC0415 -- as said above

    try:
        version = metadata.version("fluid-edge")
    except metadata.PackageNotFoundError:
        version = "(a source tree that is not installed)"
    click.echo(f"fluid {version}")
    ctx.exit()


@click.group(cls=FluidGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def main() -> None:
    """Image classification over MQTT that goes on when a device dies."""
