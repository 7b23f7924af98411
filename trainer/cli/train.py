"""`fluid train`: a network from a data set, as a bundle."""

import json
from pathlib import Path

import click
from rich.console import Console

from fluid.bundle import Bundle, write_bundle
from fluid.cli.json_option import json_option
from fluid.errors import FluidError
from trainer import report
from trainer.cli.data_options import DataOptions, data_options
from trainer.cli.endings import interruptible, writing
from trainer.cli.network_options import (
    LearningOptions,
    NetworkOptions,
    last_step,
    learning_options,
    network_options,
    planned_epochs,
)
from trainer.cli.run_options import RunOptions, run_options
from trainer.data import Dataset
from trainer.observers import discard_checkpoint, has_checkpoint, load_history

# Beside the bundle's files. Who loads a bundle reads what its manifest names, and nothing here.
TRAINING_FOLDER = "training"
_NETWORK_NAME = "network.keras"


@click.command()
@data_options
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The folder to write the bundle to; a bundle that is there is replaced.",
)
@network_options
@learning_options
@run_options
@click.option(
    "--max-int8-drop",
    "max_int8_drop_points",
    type=click.FloatRange(min=0, max=100),
    show_default="0.5, if it is beyond chance",
    metavar="POINTS",
    help="Refuse a bundle of which a sub-network loses more accuracy by quantisation.",
)
@json_option()
def train(
    *,
    data: DataOptions,
    output: Path,
    network: NetworkOptions,
    learning: LearningOptions,
    run: RunOptions,
    max_int8_drop_points: float | None,
    as_json: bool,
) -> None:
    """Train a network and write its bundle.

    Prints the accuracy of each sub-network on the test split, before (float) and after (int8)
    quantisation, and the bundle's digest. OUTPUT/training gets history.json, plots, the trained
    network in float as network.keras (`keras.models.load_model` loads it, once `trainer.models` is
    imported) and, until training has ended, a checkpoint.
    """
    topology, algorithm = network.chosen()
    dataset = data.load()
    settings = learning.settings(dataset.known_as, images=len(dataset.train))
    _tell_of_more_passes(planned_epochs(topology, algorithm, settings), settings.epochs)
    from trainer.models import save_network  # noqa: PLC0415 - imports TensorFlow
    from trainer.pipeline import train_bundle  # noqa: PLC0415

    folder = output / TRAINING_FOLDER
    with writing(output):
        folder.mkdir(parents=True, exist_ok=True)  # now, not when training is done
    begun = run.begin(folder)
    step = last_step(topology, algorithm, settings)
    with interruptible(lambda: _how_to_go_on(folder)), writing(output):
        with begun.observer(last_step=step) as observer:
            result = train_bundle(
                dataset,
                settings=settings,
                topology=topology,
                algorithm=algorithm,
                observer=observer,
                resume=begun.snapshot,
                keep_best_epoch=run.patience is not None,
                max_int8_drop=None if max_int8_drop_points is None else max_int8_drop_points / 100,
                architecture=network.chosen_architecture,
                static_channels=network.channels,
            )
        bundle = result.bundle
        write_bundle(output, bundle)
        save_network(result.network, folder / _NETWORK_NAME)
        plots = _draw_plots(folder, bundle, dataset)
        discard_checkpoint(folder)
    if as_json:
        click.echo(json.dumps(report.training_document(bundle)))
        return
    click.echo(f"{bundle.manifest.name}: accuracy on the test split")
    Console().print(report.training_table(bundle))
    click.echo(f"bundle {bundle.digest} in {output}")
    for plot in plots:
        click.echo(f"plot {plot}")


def _draw_plots(folder: Path, bundle: Bundle, dataset: Dataset) -> tuple[Path, ...]:
    """The plots that were drawn; none, and a line on stderr, where that cannot be done.

    A network that is trained is not lost over its pictures.
    """
    try:
        from trainer.plots import draw_plots  # noqa: PLC0415 - imports Matplotlib

        return draw_plots(folder, history=load_history(folder), bundle=bundle, test=dataset.test)
    # What the trainer and the disk refuse, and what Matplotlib raises at what it cannot draw.
    except (FluidError, OSError, ValueError, RuntimeError) as error:
        click.echo(f"no plots: {' '.join(str(error).split())}", err=True)
        return ()


def _tell_of_more_passes(planned: int, asked_for: int) -> None:
    if planned > asked_for:
        click.echo(
            f"{asked_for} passes are too few for the steps of this training: it makes {planned}",
            err=True,
        )


def _how_to_go_on(folder: Path) -> str:
    if has_checkpoint(folder):
        return "its last checkpoint is kept: the same command with --resume goes on from it"
    return "there is no checkpoint yet"
