"""`fluid dataset`: writes images of a data set to a file, for programs that send them."""

import json
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fluid.bundle import load_bundle
from fluid.cli.json_option import json_option
from trainer.cli.data_options import (
    DataOptions,
    DatasetParameter,
    color_option,
    image_size_option,
    load_for,
    split_option,
)
from trainer.cli.endings import writing
from trainer.data import Dataset
from trainer.errors import DatasetError


def _in_a_folder(_ctx: click.Context, _parameter: click.Parameter, value: Path) -> Path:
    """A folder that is made silently hides a mistyped path."""
    if not value.parent.is_dir():
        raise click.BadParameter(f"there is no folder {value.parent}")
    return value


@click.command()
@click.argument("name", type=DatasetParameter())
@image_size_option
@color_option
@click.option(
    "--bundle",
    type=click.Path(path_type=Path),
    help="Take the images as this bundle does, whatever else is said of size and colour.",
)
@split_option
@click.option(
    "--image",
    "index",
    type=click.IntRange(min=0),
    help="Write only the image with this number.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    callback=_in_a_folder,
    help="The file to write. Its suffix is its format: .npz; with --image .png, .npy or .raw.",
)
@json_option("Print one JSON object: what was written, and the classes.")
def dataset(
    *,
    name: str,
    image_size: tuple[int, int] | None,
    color: str | None,
    bundle: Path | None,
    split: str,
    index: int | None,
    output: Path,
    as_json: bool,
) -> None:
    """Write images of a data set, or of a folder of pictures, to a file.

    An .npz file holds `images`, uint8 (n, height, width, channels), and `labels`, int64 (n,).
    With --image, an .npy file holds one image, and a .raw file its pixels without a header.
    """
    _expect_suffix(output, (".npz",) if index is None else tuple(_WRITERS))
    if bundle is None:
        data = DataOptions(name, image_size, color, augment=None).load()
    else:
        data = load_for(load_bundle(bundle).manifest, name)
    chosen = data.split(split)
    if index is None:
        # Given a path, NumPy would add its own suffix to it.
        with writing(output), output.open("wb") as file:
            np.savez(file, images=chosen.images, labels=chosen.labels)
        labels = chosen.labels
    else:
        if index >= len(chosen):
            raise DatasetError(f"no image {index}: the split has {len(chosen)}, counted from 0")
        with writing(output):
            _WRITERS[output.suffix](chosen.images[index], output)
        labels = chosen.labels[index : index + 1]
    if as_json:
        click.echo(json.dumps(_document(output, data, split, labels)))
    elif index is not None:
        click.echo(f"{output}: an image of class {labels[0]}")


def _document(
    output: Path, data: Dataset, split: str, labels: NDArray[np.int64]
) -> dict[str, object]:
    """labels: of the images that were written."""
    return {
        "output": str(output),
        "dataset": data.name,
        "split": split,
        "images": len(labels),
        "shape": list(data.split(split).images.shape[1:]),
        "labels": labels.tolist(),
        "classes": list(data.classes),
    }


def _expect_suffix(output: Path, suffixes: tuple[str, ...]) -> None:
    if output.suffix not in suffixes:
        raise click.BadParameter(
            f"{output} must end in {' or '.join(suffixes)}", param_hint="'--output'"
        )


def _write_png(pixels: NDArray[np.uint8], output: Path) -> None:
    # Pillow wants grey images without their channel.
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(output)


def _write_npy(pixels: NDArray[np.uint8], output: Path) -> None:
    np.save(output, pixels)


def _write_raw(pixels: NDArray[np.uint8], output: Path) -> None:
    output.write_bytes(pixels.tobytes())


# The formats of one image, by suffix: those that the cluster takes and that lose nothing.
_WRITERS: dict[str, Callable[[NDArray[np.uint8], Path], None]] = {
    ".png": _write_png,
    ".npy": _write_npy,
    ".raw": _write_raw,
}
