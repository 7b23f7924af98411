"""`fluid inspect`: what a bundle holds, and what each of its parts costs and can do."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from fluid.bundle import Bundle, Manifest, SubNetwork, load_bundle
from fluid.cli.json_option import json_option
from fluid.errors import BundleError
from fluid.servable import cut_slots, expect_servable

_COPIED = ("name", "family", "algorithm", "input", "classes", "slots", "widths")
_COPIED_OF_A_STAGE = ("name", "slot", "width", "inputs", "output", "size_bytes", "macs")


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@json_option()
def inspect(*, bundle: Path, as_json: bool) -> None:
    """Show what a bundle holds, and what its parts cost.

    BUNDLE is the folder that `fluid train` wrote. Shows its stages (files) with their slots, sizes
    and work, and its sub-networks with their accuracies and the slots that each needs. Every file
    is compared with the manifest first.
    """
    loaded = load_bundle(bundle)
    if as_json:
        click.echo(json.dumps(_document(loaded)))
    else:
        _print(loaded)


def _document(bundle: Bundle) -> dict[str, Any]:
    manifest = bundle.manifest
    document = manifest.to_json()
    return {
        "bundle": bundle.digest,
        **{key: document[key] for key in _COPIED},
        "servable": _hindrance(manifest) is None,
        "stages": [{key: stage[key] for key in _COPIED_OF_A_STAGE} for stage in document["stages"]],
        "subnetworks": {
            each.name: {
                "stages": list(each.stages),
                "slots": list(_slots(manifest, each)),
                "alone": _is_alone(manifest, each),
                "float": each.float_accuracy,
                "int8": each.int8_accuracy,
                **_cost(manifest, each),
            }
            for each in manifest.subnetworks
        },
        "training": document["training"],
    }


def _slots(manifest: Manifest, subnetwork: SubNetwork) -> tuple[str, ...]:
    """The slots that must be held by an online device for it to run."""
    needed = {manifest.stage(name).slot for name in subnetwork.stages}
    return tuple(slot for slot in manifest.slots if slot in needed)


def _is_alone(manifest: Manifest, subnetwork: SubNetwork) -> bool:
    """Whether one device can run it without hearing of any other."""
    return len(_slots(manifest, subnetwork)) == 1


def _cost(manifest: Manifest, subnetwork: SubNetwork) -> dict[str, int | None]:
    stages = [manifest.stage(name) for name in subnetwork.stages]
    macs = [stage.macs for stage in stages if stage.macs is not None]
    return {
        "size_bytes": sum(stage.size_bytes for stage in stages),
        "macs": sum(macs) if len(macs) == len(stages) else None,
    }


def _print(bundle: Bundle) -> None:
    from rich.console import Console  # noqa: PLC0415 -- `--json` needs no table

    manifest = bundle.manifest
    console = Console()
    for line in _headlines(bundle):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print(_stage_table(manifest))
    console.print(_subnetwork_table(manifest))


def _headlines(bundle: Bundle) -> tuple[str, ...]:
    manifest = bundle.manifest
    height, width, channels = manifest.input.shape
    colour = "grey" if channels == 1 else "RGB"
    sizes = "no other size" if manifest.input.resize == "exact" else "any PNG or JPEG is scaled"
    return (
        f"{manifest.name}: family {manifest.family}, algorithm {manifest.algorithm}",
        f"digest: {bundle.digest}",
        f"input: {height}x{width} {colour}, {manifest.input.dtype}; {sizes}",
        f"classes ({len(manifest.classes)}): {', '.join(manifest.classes)}",
        *_cautions(manifest),
    )


def _cautions(manifest: Manifest) -> Iterator[str]:
    """What to know before agents are to serve it."""
    if slots := ", ".join(cut_slots(manifest)):
        yield f"cut at every layer in {slots}: devices hand each other feature maps"
    if hindrance := _hindrance(manifest):
        yield f"not for agents: {hindrance}"


def _hindrance(manifest: Manifest) -> str | None:
    """Why agents cannot serve it, if they cannot."""
    try:
        expect_servable(manifest)
    except BundleError as error:
        return str(error)
    return None


def _stage_table(manifest: Manifest) -> Any:
    from rich.markup import escape  # noqa: PLC0415 -- as above
    from rich.table import Table  # noqa: PLC0415 -- as above

    table = Table(title="stages")
    for heading in ("stage", "slot", "reads"):
        table.add_column(heading, overflow="fold")
    for heading in ("width", "bytes", "MACs"):
        table.add_column(heading, justify="right")
    for each in manifest.stages:
        table.add_row(
            escape(each.name),
            escape(each.slot),
            escape(", ".join(each.inputs)),
            f"{each.width:g}",
            f"{each.size_bytes:,}",
            _count(each.macs),
        )
    return table


def _subnetwork_table(manifest: Manifest) -> Any:
    from rich.markup import escape  # noqa: PLC0415 -- as above
    from rich.table import Table  # noqa: PLC0415 -- as above

    table = Table(title="sub-networks")
    table.add_column("sub-network", overflow="fold")
    table.add_column("runs on", overflow="fold")
    for heading in ("float", "int8", "bytes", "MACs"):
        table.add_column(heading, justify="right")
    for each in manifest.subnetworks:
        slots = " + ".join(_slots(manifest, each))
        cost = _cost(manifest, each)
        table.add_row(
            escape(each.name),
            escape(f"{slots} alone" if _is_alone(manifest, each) else slots),
            _percent(each.float_accuracy),
            _percent(each.int8_accuracy),
            _count(cost["size_bytes"]),
            _count(cost["macs"]),
        )
    return table


def _count(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"
