"""Turns a bundle's measurements into what people and programs read."""

from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from fluid.bundle import Bundle


def training_table(bundle: Bundle) -> Table:
    """Accuracy of each sub-network in float and int8, and what it costs."""
    manifest = bundle.manifest
    table = Table()
    table.add_column("sub-network")
    for column in ("float", "int8", "MACs", "bytes"):
        table.add_column(column, justify="right")
    for sub_network in manifest.subnetworks:
        stages = [manifest.stage(name) for name in sub_network.stages]
        table.add_row(
            escape(sub_network.name),
            _percent(sub_network.float_accuracy),
            _percent(sub_network.int8_accuracy),
            f"{sum(stage.macs or 0 for stage in stages):,}",
            f"{sum(stage.size_bytes for stage in stages):,}",
        )
    return table


def training_document(bundle: Bundle) -> dict[str, Any]:
    """The same for programs; accuracies are shares in [0, 1]."""
    manifest = bundle.manifest
    return {
        "bundle": bundle.digest,
        "name": manifest.name,
        "training": dict(manifest.training),
        "subnetworks": {
            sub_network.name: {
                "float": sub_network.float_accuracy,
                "int8": sub_network.int8_accuracy,
            }
            for sub_network in manifest.subnetworks
        },
    }


def evaluation_table(accuracies: Mapping[str, float]) -> Table:
    """Accuracy of each sub-network of an evaluated bundle."""
    table = Table()
    table.add_column("sub-network")
    table.add_column("int8", justify="right")
    for name, accuracy in accuracies.items():
        table.add_row(escape(name), _percent(accuracy))
    return table


def evaluation_document(
    accuracies: Mapping[str, float], *, dataset: str, split: str, images: int
) -> dict[str, Any]:
    """The same for programs; accuracies are shares in [0, 1]."""
    return {
        "dataset": dataset,
        "split": split,
        "images": images,
        "subnetworks": {name: {"accuracy": accuracy} for name, accuracy in accuracies.items()},
    }


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"
