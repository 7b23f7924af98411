"""`fluid compare`: families and algorithms under equal passes over the data and equal work."""

import json
from pathlib import Path

import click
from rich.console import Console

from fluid.cli.json_option import json_option
from trainer.cli.data_options import DataOptions, data_options
from trainer.cli.endings import interruptible, writing
from trainer.comparison.contenders import Training, plan_trainings
from trainer.comparison.environment import Environment
from trainer.comparison.report import render_report
from trainer.comparison.results import Comparison, Result
from trainer.comparison.running import run_trainings
from trainer.comparison.store import ResultStore, dataset_digest
from trainer.comparison.tables import bar_grid, cost_grid, int8_grid
from trainer.data import Dataset
from trainer.observers import progress_bar
from trainer.training.settings import default_settings

_REPORT, _PLOT, _NUMBERS = "training.md", "training.png", "training.json"
_WORK = ".cache"


@click.command()
@data_options
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="How often each is trained: with the seeds 0, 1, and so on.",
)
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    help="Passes over the training images in all, for each; by default as many as `fluid train` "
    "takes, a teacher's among them.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("docs/results"),
    show_default=True,
    help=f"The folder for {_REPORT}, {_PLOT} and {_NUMBERS}.",
)
@click.option(
    "--work",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder that keeps the result of each finished training, so that the same command "
    f"goes on where it was interrupted; by default OUTPUT/{_WORK}. Empty it after a change of the "
    "trainer's own code.",
)
@json_option()
def compare(
    *,
    data: DataOptions,
    seeds: int,
    epochs: int | None,
    output: Path,
    work: Path | None,
    as_json: bool,
) -> None:
    """Compare static, dynamic and fluid networks under equal conditions.

    Trains each for two devices, with equal passes over the training images and equal work for
    the busiest device, and writes a report, a plot and all numbers. A fluid network learns from a
    static teacher; the teacher's passes are counted as its own.
    """
    # All that can be missing is looked for now, and not when the trainings are done.
    from trainer.comparison.plot import draw_accuracies  # noqa: PLC0415 - imports Matplotlib
    from trainer.comparison.training import train_contender, warm_up  # noqa: PLC0415 - TensorFlow

    environment = Environment.here()
    dataset = data.load()
    trainings = _planned(dataset, seeds=seeds, passes=epochs)
    work = work or output / _WORK
    for folder in (output, work):
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)

    def train(training: Training) -> Result:
        with progress_bar(Console(stderr=True)) as bar:
            return train_contender(training, dataset, observer=bar)

    with interruptible(lambda: f"the same command goes on from the results in {work}"):
        warm_up(dataset, trainings[0].settings)
        store = ResultStore(work, dataset_digest(dataset), environment)
        results, refusals = run_trainings(trainings, store=store, train=train, say=_say)
    comparison = Comparison(
        dataset=dataset.name,
        train_images=len(dataset.train),
        test_images=len(dataset.test),
        environment=environment,
        trainings=trainings,
        results=results,
        refusals=refusals,
    )
    document = comparison.to_json()
    with writing(output):
        (output / _NUMBERS).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        (output / _REPORT).write_text(render_report(comparison, plot=_PLOT), encoding="utf-8")
        draw_accuracies(comparison).savefig(output / _PLOT, dpi=120)
    if as_json:
        click.echo(json.dumps(document))
    else:
        _print(comparison, output)


def _planned(dataset: Dataset, *, seeds: int, passes: int | None) -> tuple[Training, ...]:
    defaults = default_settings(dataset.known_as, images=len(dataset.train))
    try:
        return plan_trainings(defaults, seeds=seeds, passes=passes)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--epochs") from error


def _print(comparison: Comparison, output: Path) -> None:
    console = Console()
    console.print(int8_grid(comparison).rich("int8 accuracy on the test split, %"))
    console.print(cost_grid(comparison).rich("cost"))
    console.print(bar_grid(comparison).rich("promised"))
    for name in (_REPORT, _PLOT, _NUMBERS):
        click.echo(f"written {output / name}")


def _say(line: str) -> None:
    click.echo(line, err=True)
