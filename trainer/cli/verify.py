"""`fluid verify`: proves that devices together answer what one device answers, to the bit."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from fluid.bundle import load_bundle
from fluid.cli.errors import ExitCode
from fluid.cli.json_option import json_option
from trainer.cli.data_options import dataset_option, load_for, split_option
from trainer.verification import Verification, verify_bundle


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@dataset_option
@split_option
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="IMAGES",
    help="Only the first so many; by default all.",
)
@json_option()
def verify(*, bundle: Path, dataset: str, split: str, limit: int | None, as_json: bool) -> None:
    """Prove that devices answer together, bit for bit, what one device answers.

    For each sub-network of several slots of BUNDLE, a process for each slot computes its share of
    the logits of every image, as a device would. Their sum is compared with what one process
    computes for the whole sub-network. Sub-networks that are cut between the devices at feature
    maps (families static and dynamic) are left out. Needs no TensorFlow.

    Exit status: 0 if every bit is equal, 1 if not, or if there is nothing to compare.
    """
    data = load_for(load_bundle(bundle).manifest, dataset)
    images = data.split(split).images[:limit]
    verification = verify_bundle(bundle, images)
    if as_json:
        document = {"dataset": data.name, "split": split, "images": len(images)}
        click.echo(json.dumps({**document, **_document(verification)}))
    else:
        for line in _lines(verification):
            click.echo(f"{len(images)} images of {data.name} ({split}): {line}")
    if not verification.equal:
        sys.exit(ExitCode.FAILED)


def _document(verification: Verification) -> dict[str, Any]:
    return {
        "equal": verification.equal,
        "processes": verification.processes,
        "interpreter": verification.interpreter,
        "subnetworks": {
            name: {"different": each.different, "first": each.first}
            for name, each in verification.comparisons.items()
        },
    }


def _lines(verification: Verification) -> list[str]:
    """One for all that are equal, and one for each that is not."""
    comparisons = verification.comparisons
    lines = [
        f"{name} DIFFERS on {each.different}, the first is image {each.first} (counted from 0)"
        for name, each in comparisons.items()
        if not each.equal
    ]
    if equal := [name for name, each in comparisons.items() if each.equal]:
        interpreters = f"{verification.processes} interpreters"
        lines.insert(0, f"{', '.join(equal)} equal bit for bit on {interpreters}")
    return lines
