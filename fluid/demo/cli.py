"""`fluid demo`: the demonstration as a command."""

import json
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click
from rich.console import Console

from fluid.bundle import Manifest, load_bundle
from fluid.cli.errors import ExitCode
from fluid.cli.json_option import json_option
from fluid.demo.errors import DemoError
from fluid.demo.measurement import PhaseSummary
from fluid.demo.report import accuracy_table, document, json_line, phase_table
from fluid.demo.stage import AGENTS, LabelledImages, Stage, open_stage
from fluid.demo.story import STORY, Phase, play
from fluid.demo.verdict import shortcomings
from fluid.errors import ProcessEnded
from fluid.processes import tail
from fluid.servable import expect_independent
from fluid.supervisor import Supervisor

_FLUID = (sys.executable, "-m", "fluid")
_TABLE_COLUMNS = 150  # where there is no terminal whose width could be asked


@click.command()
@click.option(
    "--dataset",
    default="digits",
    show_default=True,
    metavar="NAME|FOLDER",
    help="What to train on, and whose test images to send: a data set or a folder of pictures.",
)
@click.option(
    "--bundle",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Serve this bundle, trained on the data set, instead of training one.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the bundle and the logs in this folder.",
)
@click.option(
    "--stream-seconds",
    "stream_s",
    type=click.FloatRange(min=0.5),
    default=3.0,
    show_default=True,
    help="About how long the streams are in which a device is killed.",
)
@json_option("Print one JSON object; tables and progress go to stderr.")
def demo(
    *, dataset: str, bundle: Path | None, output: Path | None, stream_s: float, as_json: bool
) -> None:
    """Train, serve with two agents, kill each of them, and show what happened.

    Exit status: 0 if no image was lost and each phase was served by the devices and in the mode
    that it should be, 1 otherwise. The last line is `DEMO` and a JSON object; with --json, that
    object is all that is printed on stdout.
    """
    signal.signal(signal.SIGTERM, _leave_in_order)
    console = _console(stderr=as_json)
    if bundle is not None:
        _expect_playable(load_bundle(bundle).manifest)
    with _work_folder(output) as folder, Supervisor(folder / "logs") as supervisor:
        passing = output is None  # of what is deleted, nobody needs to know where it is
        served = bundle or _train(supervisor, dataset, folder / "bundle", quiet=passing or as_json)
        manifest = load_bundle(served).manifest
        if bundle is not None or passing or as_json:  # training has said it otherwise
            console.print(accuracy_table(manifest))
        images = _test_images(supervisor, dataset, served, folder / "test-images.npz")
        try:
            with open_stage(supervisor, bundle=served, slots=len(manifest.slots)) as stage:
                summaries = _play(stage, images, console=console, stream_s=stream_s)
        except (DemoError, ProcessEnded):
            _show_logs(supervisor)
            raise
        console.print(phase_table(summaries))
        broken = _broken_promises(summaries)
        for line in broken:
            click.echo(f"not as promised: {line}", err=True)
        if broken:
            _show_logs(supervisor)
    if as_json:
        click.echo(json.dumps(document(manifest, summaries)))
    else:
        click.echo(json_line(manifest, summaries))
    if broken:
        sys.exit(ExitCode.FAILED)


def _expect_playable(manifest: Manifest) -> None:
    """Refuse, before anything is started, what two agents cannot play the story with."""
    expect_independent(manifest)
    if len(manifest.slots) < len(AGENTS):
        raise DemoError(
            f"{manifest.name} has one slot, so two devices cannot answer an image together: "
            "train one with 'fluid train --slots 2'"
        )


def _train(supervisor: Supervisor, dataset: str, folder: Path, *, quiet: bool) -> Path:
    """quiet: say neither how accurate the bundle is nor where it and its plots are."""
    command = [*_FLUID, "train", "--dataset", dataset, "--output", str(folder)]
    supervisor.run("train", command, quiet=quiet)
    return folder


def _test_images(supervisor: Supervisor, dataset: str, bundle: Path, file: Path) -> LabelledImages:
    """The test images in the size and colour that the bundle takes."""
    options = ["--split", "test", "--bundle", str(bundle), "--output", str(file)]
    supervisor.run("dataset", [*_FLUID, "dataset", dataset, *options])
    return LabelledImages.read(file)


def _play(
    stage: Stage, images: LabelledImages, *, console: Console, stream_s: float
) -> list[PhaseSummary]:
    summaries: list[PhaseSummary] = []
    with console.status("starting") as status:

        def announce(phase: Phase) -> None:
            status.update(f"{len(summaries) + 1}/{len(STORY)} {phase.name}")

        for summary in play(stage, images, stream_s=stream_s, announce=announce):
            summaries.append(summary)
            console.print(f"{summary.phase}: {summary.answered} of {summary.sent} answered")
    return summaries


def _broken_promises(summaries: list[PhaseSummary]) -> list[str]:
    return [
        line
        for phase, summary in zip(STORY, summaries, strict=True)
        for line in shortcomings(phase.promise, summary)
    ]


def _show_logs(supervisor: Supervisor) -> None:
    for agent in AGENTS:
        click.echo(f"the end of the log of {agent}:\n{tail(supervisor.log(agent))}\n", err=True)


@contextmanager
def _work_folder(given: Path | None) -> Iterator[Path]:
    """The given folder, or a temporary one."""
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="fluid-demo-") as folder:
        yield Path(folder)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=_TABLE_COLUMNS)


def _leave_in_order(_signal_number: int, _frame: FrameType | None) -> None:
    """Leave through the `with` blocks, which stop every process."""
    sys.exit(ExitCode.TERMINATED)
