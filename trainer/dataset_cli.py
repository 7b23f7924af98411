"""`fluid dataset`: writes images of a data set to a file, for programs that send them."""

from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from trainer.data import dataset_names, load_dataset
from trainer.errors import DatasetError


def _in_a_folder(_ctx: click.Context, _parameter: click.Parameter, value: Path) -> Path:
    """A folder that is made silently hides a mistyped path."""
    if not value.parent.is_dir():
        raise click.BadParameter(f"there is no folder {value.parent}")
    return value


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
    help="Write only the image with this number.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    callback=_in_a_folder,
    help="The file to write. Its suffix is its format: .npz; with --image .png, .npy or .raw.",
)
def dataset(*, name: str, split: str, index: int | None, output: Path) -> None:
    """Write images of a data set to a file.

    An .npz file holds `images`, uint8 (n, height, width, channels), and `labels`, int64 (n,).
    With --image, an .npy file holds one image, and a .raw file its pixels without a header.
    """
    _expect_suffix(output, (".npz",) if index is None else tuple(_WRITERS))
    chosen = load_dataset(name).split(split)
    if index is None:
        with output.open("wb") as file:  # given a path, NumPy would add its own suffix to it
            np.savez(file, images=chosen.images, labels=chosen.labels)
        return
    if index >= len(chosen):
        raise DatasetError(f"no image {index}: the split has {len(chosen)}, counted from 0")
    _WRITERS[output.suffix](chosen.images[index], output)
    click.echo(f"{output}: an image of class {chosen.labels[index]}")


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
