"""The commands that the trainer adds to `fluid`: `train` and `evaluate`.

TensorFlow is imported inside the functions, so that `--help` is quick and `evaluate` works
without it. Errors leave as `FluidError`: the `fluid` command says them in one line.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from fluid.bundle import load_bundle, write_bundle
from trainer import report
from trainer.data import dataset_names, load_dataset
from trainer.errors import DatasetError, ExportError
from trainer.evaluation import evaluate_bundle
from trainer.training.progress import progress_bar
from trainer.training.settings import TrainingSettings, default_settings

_POSITIVE = click.IntRange(min=1)


def _defaults(setting: str) -> str:
    """A setting's default for each data set, for `--help`."""
    return ", ".join(
        f"{getattr(default_settings(name), setting)} for {name}" for name in dataset_names()
    )


@click.command()
@click.option("--dataset", type=click.Choice(dataset_names()), required=True)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The folder to write the bundle to; a bundle that is there is replaced.",
)
@click.option(
    "--epochs",
    type=_POSITIVE,
    show_default=_defaults("epochs"),
    help="Passes over the images in each step of a round.",
)
@click.option(
    "--rounds",
    type=_POSITIVE,
    show_default=_defaults("rounds"),
    help="Rounds of nested incremental training.",
)
@click.option(
    "--batch-size",
    type=_POSITIVE,
    show_default=_defaults("batch_size"),
    help="Images in a training batch.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    show_default=_defaults("seed"),
    help="Equal seeds, equal bundles.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def train(
    *,
    dataset: str,
    output: Path,
    epochs: int | None,
    rounds: int | None,
    batch_size: int | None,
    seed: int | None,
    as_json: bool,
) -> None:
    """Train a network and write its bundle.

    Prints the accuracy of each sub-network on the test split, before (float) and after (int8)
    quantisation, and the bundle's digest.
    """
    settings = _settings(dataset, epochs=epochs, rounds=rounds, batch_size=batch_size, seed=seed)
    data = load_dataset(dataset)
    from trainer.pipeline import train_bundle  # noqa: PLC0415 - imports TensorFlow

    with _writing(output):
        output.mkdir(parents=True, exist_ok=True)  # now, not when training is done
    with progress_bar(Console(stderr=True)) as observer:
        bundle = train_bundle(data, settings=settings, observer=observer)
    with _writing(output):
        write_bundle(output, bundle)
    if as_json:
        click.echo(json.dumps(report.training_document(bundle)))
        return
    click.echo(f"{bundle.manifest.name}: accuracy on the test split")
    Console().print(report.training_table(bundle))
    click.echo(f"bundle {bundle.digest} in {output}")


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--dataset", type=click.Choice(dataset_names()), required=True)
@click.option(
    "--split",
    type=click.Choice(["test", "validation", "train"]),
    default="test",
    show_default=True,
    help="Which images of the data set.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def evaluate(*, bundle: Path, dataset: str, split: str, as_json: bool) -> None:
    """Measure the accuracy of a bundle's sub-networks on a data set.

    BUNDLE is the folder that `fluid train` wrote. Its TFLite files are run as the agents run
    them, without TensorFlow. Reading the data set may need more: `digits` come with scikit-learn,
    and `mnist`, unless FLUID_DATA_DIR names a folder that holds it, is downloaded by Keras.
    """
    loaded = load_bundle(bundle)
    images = load_dataset(dataset).split(split)
    if images.images.shape[1:] != loaded.manifest.input.shape:
        raise DatasetError(
            f"{bundle}: takes images of {loaded.manifest.input.shape}, but those of "
            f"{dataset} are {images.images.shape[1:]}"
        )
    accuracies = evaluate_bundle(loaded, images.images, images.labels)
    if as_json:
        document = report.evaluation_document(
            accuracies, dataset=dataset, split=split, images=len(images)
        )
        click.echo(json.dumps(document))
        return
    click.echo(f"{loaded.manifest.name} on {len(images)} images of {dataset} ({split})")
    Console().print(report.evaluation_table(accuracies))


@contextmanager
def _writing(output: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ExportError(f"{output}: cannot be written ({error.strerror})") from error


def _settings(dataset: str, **given: int | None) -> TrainingSettings:
    """The data set's settings, but for the options that were given."""
    chosen = {name: value for name, value in given.items() if value is not None}
    return replace(default_settings(dataset), **chosen)
