"""Which data set a command works on: a name, or a folder of pictures and how to take them."""

from dataclasses import dataclass
from typing import Any

import click

from fluid.bundle import Manifest
from trainer.cli.option_groups import option_group
from trainer.data import AUGMENTATIONS, Dataset, PictureForm, dataset_names, load_dataset
from trainer.data.picture_form import parse_size
from trainer.errors import DatasetError

_CHANNELS = {"grey": 1, "rgb": 3}


class DatasetParameter(click.ParamType[str]):
    """A name, or a path: what it is, and whether it can be read, `load_dataset` says."""

    name = "dataset"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002 -- click's signature
        return f"[{'|'.join(dataset_names())}|FOLDER]"


class ImageSize(click.ParamType[tuple[int, int]]):
    """`HxW`, or one number for both."""

    name = "HxW"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        try:
            return parse_size(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


@dataclass(frozen=True, slots=True)
class DataOptions:
    """A data set as it was asked for; None leaves it to the data."""

    dataset: str
    image_size: tuple[int, int] | None
    color: str | None
    augment: str | None

    def load(self) -> Dataset:
        """Read it, and say on stderr what a person should know; raises `DatasetError`."""
        form = PictureForm(self.image_size, _CHANNELS[self.color] if self.color else None)
        augmentation = AUGMENTATIONS[self.augment] if self.augment else None
        return said(load_dataset(self.dataset, form=form, augmentation=augmentation))


def load_for(manifest: Manifest, dataset: str) -> Dataset:
    """A data set in the form that a bundle takes; says its remarks on stderr.

    Raises `DatasetError` if it cannot have that form, or has other classes.
    """
    data = load_dataset(dataset, form=PictureForm.of(manifest.input))
    if data.classes != manifest.classes:
        raise DatasetError(
            f"{manifest.name} knows the classes {', '.join(manifest.classes)}; "
            f"those of {data.name} are {', '.join(data.classes)}"
        )
    return said(data)


def said(dataset: Dataset) -> Dataset:
    """The data set, its remarks written to stderr."""
    for remark in dataset.remarks:
        click.echo(f"{dataset.name}: {remark}", err=True)
    return dataset


dataset_option = click.option("--dataset", type=DatasetParameter(), required=True)
split_option = click.option(
    "--split",
    type=click.Choice(["test", "validation", "train"]),
    default="test",
    show_default=True,
    help="Which images of the data set.",
)
image_size_option = click.option(
    "--image-size",
    type=ImageSize(),
    help="Of a folder's pictures, in pixels; by default up to 64x64, as their own size suggests.",
)
color_option = click.option(
    "--color",
    type=click.Choice(list(_CHANNELS)),
    help="Of a folder's pictures; by default RGB if any of them shows a colour.",
)
augment_option = click.option(
    "--augment",
    type=click.Choice(list(AUGMENTATIONS)),
    help="How training images are varied; by default as the data suggests.",
)

data_options = option_group(
    "data", DataOptions, dataset_option, image_size_option, color_option, augment_option
)
