"""`python -m tests.chaos`: run the suite and write its report."""

import json
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from broker import LocalBroker
from fluid.bundle import load_bundle
from fluid.interpreter import find_interpreter
from tests.chaos.bars import bars
from tests.chaos.campaign import Load, run_campaign
from tests.chaos.environment import Environment
from tests.chaos.figures import CampaignFigures, summarise
from tests.chaos.folder import CampaignFolder
from tests.chaos.pictures import load_pictures
from tests.chaos.plan import Fault, draw_rounds
from tests.chaos.report import render_report
from tests.integration.harness.fleet import Fleet
from tests.integration.harness.oracle import Oracle

_MNIST = Path(__file__).parents[2] / "models" / "mnist"


@dataclass(frozen=True, slots=True)
class Suite:
    """What all campaigns have in common. logs: each gets a folder in it."""

    rounds: int
    seed: int
    faults: tuple[Fault, ...]
    load: Load
    bundle: Path
    oracle: Oracle
    logs: Path

    def run(self, size: int) -> CampaignFigures:
        """A campaign with so many agents."""
        folder = CampaignFolder(self.logs / f"{size}-agents")
        folder.say(f"{size} agents, {self.rounds} rounds, seed {self.seed}")
        with (
            LocalBroker(persistence=True, directory=folder.path / "broker") as broker,
            Fleet(
                broker, size, bundle=self.bundle, folder=folder.path, options=["--verbose"]
            ) as fleet,
        ):
            rounds = draw_rounds(self.rounds, fleet.names, seed=self.seed, faults=self.faults)
            campaign = run_campaign(
                fleet, self.oracle, rounds=rounds, load=self.load, folder=folder
            )
        return summarise(campaign)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--rounds", type=click.IntRange(1), default=100, show_default=True, help="Faults, one in each."
)
@click.option(
    "--agents", default="2 4", show_default=True, help="Each number of agents is a campaign."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Draws the faults.")
@click.option(
    "--fault",
    "faults",
    type=click.Choice([fault.name.lower() for fault in Fault]),
    multiple=True,
    help="Only this kind of fault; may be repeated.",
)
@click.option(
    "--load",
    type=click.FloatRange(0.01, 1.0),
    default=0.6,
    show_default=True,
    help="The stream's share of the capacity.",
)
@click.option(
    "--of-survivors", is_flag=True, help="Take that share of what is left with one agent away."
)
@click.option(
    "--measure",
    "measure_s",
    type=click.FloatRange(0.1),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="For each of three measurements of a capacity.",
)
@click.option(
    "--bundle",
    "bundle_folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=_MNIST,
    show_default="models/mnist",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder for chaos.md and chaos.json; by default nothing is written.",
)
@click.option(
    "--logs",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder for all logs; by default a temporary one, which stays after a failure.",
)
@click.option("--strict", is_flag=True, help="A time that is not kept is a failure, too.")
def main(
    *,
    rounds: int,
    agents: str,
    seed: int,
    faults: tuple[str, ...],
    load: float,
    of_survivors: bool,
    measure_s: float,
    bundle_folder: Path,
    output: Path | None,
    logs: Path | None,
    strict: bool,
) -> None:
    """Let faults happen to real clusters under load, and report what the client saw.

    Exit status: 1 if a request was lost, answered with an error, wrongly, or handed out twice, or
    if a cluster did not recover; with --strict also if a promised time was not kept.
    """
    bundle = load_bundle(bundle_folder)
    pictures, what_they_are = load_pictures(bundle.manifest)
    package = find_interpreter()
    suite = Suite(
        rounds=rounds,
        seed=seed,
        faults=tuple(Fault[name.upper()] for name in faults) or tuple(Fault),
        load=Load(load, of_survivors=of_survivors, measure_s=measure_s),
        bundle=bundle_folder,
        oracle=Oracle(bundle, pictures, package=package),
        logs=logs or Path(tempfile.mkdtemp(prefix="fluid-chaos-")),
    )
    figures = [suite.run(size) for size in _sizes(agents)]
    where = Environment.here(package, images=what_they_are, bundle=bundle.manifest.name)
    report = render_report(figures, where, seed=seed)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        (output / "chaos.md").write_text(report, encoding="utf-8")
        document = {
            "seed": seed,
            "environment": asdict(where),
            "campaigns": [asdict(each) for each in figures],
        }
        text = json.dumps(document, indent=1, allow_nan=False) + "\n"
        (output / "chaos.json").write_text(text, encoding="utf-8")
    click.echo(report)
    late = any(bar.is_time and bar.holds is False for bar in bars(figures))
    failed = not all(each.is_safe for each in figures) or (strict and late)
    if failed:
        click.echo(f"failed; the logs are in {suite.logs}", err=True)
    elif logs is None:
        shutil.rmtree(suite.logs)
    sys.exit(1 if failed else 0)


def _sizes(text: str) -> list[int]:
    try:
        sizes = [int(word) for word in text.split()]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 2:
        raise click.BadParameter("numbers from 2 on, as in '2 4'", param_hint="--agents")
    return sizes


if __name__ == "__main__":
    main()
