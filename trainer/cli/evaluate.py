"""`fluid evaluate`: how well a bundle's files do on a data set."""

import json
from pathlib import Path

import click
from rich.console import Console

from fluid.bundle import load_bundle
from fluid.cli.json_option import json_option
from trainer import report
from trainer.cli.data_options import dataset_option, load_for, split_option
from trainer.evaluation import evaluate_bundle


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@dataset_option
@split_option
@json_option()
def evaluate(*, bundle: Path, dataset: str, split: str, as_json: bool) -> None:
    """Measure the accuracy of a bundle's sub-networks on a data set.

    BUNDLE is the folder that `fluid train` wrote. Its TFLite files are run as the agents run
    them, without TensorFlow. A folder of pictures is taken in the size and colour that the bundle
    takes, and split as in training. Reading the data set may need more: `digits` come with
    scikit-learn, and `mnist` and `fashion-mnist`, unless FLUID_DATA_DIR names a folder that holds
    them, are downloaded by Keras.
    """
    loaded = load_bundle(bundle)
    data = load_for(loaded.manifest, dataset)
    images = data.split(split)
    accuracies = evaluate_bundle(loaded, images.images, images.labels)
    if as_json:
        document = report.evaluation_document(
            accuracies, dataset=data.name, split=split, images=len(images)
        )
        click.echo(json.dumps(document))
        return
    click.echo(f"{loaded.manifest.name} on {len(images)} images of {data.name} ({split})")
    Console().print(report.evaluation_table(accuracies))
