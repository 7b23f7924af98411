"""`fluid bench`: the benchmark as a command."""

import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

import click

from fluid.bench.bundles import DYNAMIC, FLUID, STATIC
from fluid.bench.comparison import changes, other_conditions
from fluid.bench.cpu_share import DeviceCpu, Quota, open_device_cpu
from fluid.bench.device_python import DevicePython
from fluid.bench.errors import BadResults, BenchError
from fluid.bench.figures import PartResults, Reading, Results, Series, collect
from fluid.bench.machine import describe_machine, load_average
from fluid.bench.materials import Sources, prepare
from fluid.bench.parts import PARTS
from fluid.bench.report import render_changes, render_report
from fluid.bench.settings import Bench, Materials, Part, Settings
from fluid.bundle import load_bundle
from fluid.cli.errors import ExitCode
from fluid.errors import FluidError

_STDOUT = Path("-")
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option(
    "--only",
    type=click.Choice(tuple(PARTS)),
    multiple=True,
    help="Run this part alone; may be given again. By default all of them.",
)
@click.option(
    "--fluid",
    "fluid_folder",
    type=_FOLDER,
    default=Path("models/mnist"),
    show_default=True,
    help="The bundle of family fluid.",
)
@click.option("--static", "static_folder", type=_FOLDER, help="That of family static; or trained.")
@click.option("--dynamic", "dynamic_folder", type=_FOLDER, help="That of dynamic; or trained.")
@click.option("--slow", "slow_folder", type=_FOLDER, help="One of about 5 ms an invoke; or made.")
@click.option(
    "--dataset",
    default="mnist",
    show_default=True,
    metavar="NAME|FOLDER",
    help="Whose test images to send, and what to train on.",
)
@click.option(
    "--device-python",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=Path(sys.executable),
    show_default="the one that runs this",
    metavar="FILE",
    help="The Python that runs the agents, and what they are measured against: that of an "
    "environment with what devices have (scripts/device-environment makes one).",
)
@click.option(
    "--device-cpu",
    type=click.FloatRange(0.01, 1.0),
    default=0.2,
    show_default=True,
    help="The share of a core that each device has.",
)
@click.option(
    "--repeats",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Repetitions of each measurement; three at least to compare two runs.",
)
@click.option(
    "--seconds",
    "measure_s",
    type=click.FloatRange(min=0.2),
    default=4.0,
    show_default=True,
    help="How long each stream is measured, after a second to warm up.",
)
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    help="Of the bundles that are trained: fewer for a quick run, which is as fast and knows less.",
)
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/bench"),
    show_default=True,
    help="Where bundles are kept that had to be trained.",
)
@click.option(
    "--json",
    "json_file",
    type=_FILE,
    help="Write the results as JSON to this file; '-': print them instead of the report.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write bench.json, bench.md and plots into this folder.",
)
@click.option(
    "--compare",
    "old_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Say what has changed beyond noise since the run that wrote this JSON.",
)
def bench(  # noqa: PLR0913 - what a user may choose, all of it by name
    *,
    only: tuple[str, ...],
    fluid_folder: Path,
    static_folder: Path | None,
    dynamic_folder: Path | None,
    slow_folder: Path | None,
    dataset: str,
    device_python: Path,
    device_cpu: float,
    repeats: int,
    measure_s: float,
    epochs: int | None,
    cache: Path,
    json_file: Path | None,
    output: Path | None,
    old_file: Path | None,
) -> None:
    """Measure the paper's figure and what the cluster can do.

    Parts: paper, scaling, overhead, load, failover and memory.

    Starts broker and agents as processes, each agent held to a share of a core by a control group
    (where that is not permitted: pinned to a core), and sends them images. Prints a report in
    Markdown. docs/performance.md says how to read it.

    Bundles of the families static and dynamic are trained if they are not given (minutes), which
    needs the trainer extra; so does the part `overhead` for its slow model.
    """
    signal.signal(signal.SIGTERM, _leave_in_order)
    old = None if old_file is None else read_results(old_file)
    chosen = {name: part for name, part in PARTS.items() if not only or name in only}
    given = {FLUID: fluid_folder, STATIC: static_folder, DYNAMIC: dynamic_folder}
    settings = Settings(device_cpu=device_cpu, repeats=repeats, measure_s=measure_s)
    as_json = json_file == _STDOUT
    if as_json:
        json_file = None
    for file in (json_file, output and output / "bench.json"):
        _expect_writable(file)
    python = DevicePython(device_python)
    machine = describe_machine(python.facts())
    with tempfile.TemporaryDirectory(prefix="fluid-bench-") as temporary:
        scratch = Path(temporary)
        sources = Sources(given, slow_folder, dataset, cache, epochs)
        materials = prepare(sources, tuple(chosen), device_python=python, scratch=scratch, say=_say)
        with open_device_cpu() as cpu:
            results = Results(machine, _described(settings, cpu, materials))
            setup = Bench(
                settings=settings,
                device_python=python,
                cpu=cpu,
                materials=materials,
                scratch=scratch,
                say=_say,
            )
            for name, part in chosen.items():
                results = results.with_part(name, _run(setup, name, part))
                _publish(results, json_file=json_file, output=output)  # so far
    click.echo(
        json.dumps(results.to_json(), allow_nan=False) if as_json else render_report(results)
    )
    if old is not None:
        report = render_changes(changes(old, results), other_conditions(old, results))
        click.echo(report, err=as_json)
    if any(part.problem for part in results.parts.values()):
        sys.exit(ExitCode.FAILED)


def read_results(file: Path) -> Results:
    """What `--json` wrote; raises `BadResults` naming the file."""
    try:
        return Results.from_json(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        raise BadResults(f"{file}: cannot be read as JSON ({error})") from error
    except BadResults as error:
        raise BadResults(f"{file}: {error}") from error


def _run(setup: Bench, name: str, part: Part) -> PartResults:
    """All repetitions of a part. What it cannot go on from ends it, and not the parts after it."""
    readings: list[Reading | Series] = []
    try:
        for repetition in range(setup.settings.repeats):
            _say(f"{name}, repetition {repetition + 1} of {setup.settings.repeats}")
            readings.extend(part(setup, repetition))
    except FluidError as error:
        click.echo(f"{name} ended early: {error}", err=True)
        return collect(readings, problem=str(error).partition("\n")[0])
    return collect(readings)


def _described(settings: Settings, cpu: DeviceCpu, materials: Materials) -> dict[str, str]:
    bundles = {
        f"bundle of {family}": load_bundle(folder).digest[:12]
        for family, folder in materials.families.items()
    }
    if materials.slow is not None:
        bundles["slow bundle"] = load_bundle(materials.slow).digest[:12]
    share = f"{settings.device_cpu:g}: {Quota.of(settings.device_cpu)}"
    return {
        "devices": cpu.description,
        "share of a core": share if cpu.holds_shares else "not held",
        "repetitions": str(settings.repeats),
        "seconds a stream": f"{settings.measure_s:g}",
        "images": f"{materials.dataset}, {materials.image_count:,} for testing",
        "load average before": load_average(),
    } | bundles


def _publish(results: Results, *, json_file: Path | None, output: Path | None) -> None:
    document = json.dumps(results.to_json(), indent=1, allow_nan=False) + "\n"
    if json_file is not None:
        json_file.write_text(document, encoding="utf-8")
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        (output / "bench.json").write_text(document, encoding="utf-8")
        plots = _draw(results, output)
        text = render_report(results, plots=plots)
        (output / "bench.md").write_text(text, encoding="utf-8")


def _draw(results: Results, folder: Path) -> tuple[str, ...]:
    """The names of the plots; none, and a line on stderr, where they cannot be drawn."""
    try:
        from fluid.bench.plots import draw_plots  # noqa: PLC0415 - imports Matplotlib

        return draw_plots(results, folder)
    except (ImportError, OSError, ValueError, RuntimeError) as error:
        click.echo(f"no plots: {' '.join(str(error).split())}", err=True)
        return ()


def _expect_writable(file: Path | None) -> None:
    """Now, and not after an hour of measuring."""
    if file is None:
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(f"{file}: cannot be written ({error.strerror})") from error
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise BenchError(f"{file}: cannot be written (no permission)")


def _say(line: str) -> None:
    click.echo(line, err=True)


def _leave_in_order(_signal_number: int, _frame: FrameType | None) -> None:
    """Leave through the `with` blocks, which stop every process."""
    sys.exit(ExitCode.TERMINATED)
