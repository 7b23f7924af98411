"""`fluid dataset`: writes images of a data set to a file, for programs that send them."""

from pathlib import Path

import click
import numpy as np
from PIL import Image

from trainer.data import Split, dataset_names, load_dataset
from trainer.errors import DatasetError


@click.command()
@click.argument("name", type=click.Choice(dataset_names()))
@click.option(
    "--split",
    type=click.Choice(["test", "validation", "train"]),
    default="test",
    show_default=True,
)
@click.option(
    "--image",
    "index",
    type=click.IntRange(min=0),
    help="Write only the image with this number, as a PNG.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file to write: .npz, or .png with --image.",
)
def dataset(*, name: str, split: str, index: int | None, output: Path) -> None:
    """Write the images of data set NAME to a file.

    An .npz file holds `images`, uint8 (n, height, width, channels), and `labels`, int64 (n,).
    """
    chosen = load_dataset(name).split(split)
    output.parent.mkdir(parents=True, exist_ok=True)
    if index is None:
        with output.open("wb") as file:  # given a path, NumPy would add its own suffix to it
            np.savez(file, images=chosen.images, labels=chosen.labels)
        return
    _write_png(chosen, index, output)
    click.echo(f"{output}: an image of class {chosen.labels[index]}")


def _write_png(split: Split, index: int, output: Path) -> None:
    if index >= len(split):
        raise DatasetError(f"no image {index}: the split has {len(split)}, counted from 0")
    pixels = split.images[index]
    # Pillow wants grey images without their channel.
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(output, format="PNG")
