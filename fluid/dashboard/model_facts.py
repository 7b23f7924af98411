"""What a bundle says about itself that the page shows: nothing of it is on the wire."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from fluid.bundle import InputSpec, Manifest


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """accuracies: the share of its test images that each sub-network gets right, by name, in int8
    where that was measured; in the manifest's order, and without those that nobody measured."""

    name: str
    digest: str
    input: InputSpec
    classes: tuple[str, ...]
    accuracies: tuple[tuple[str, float], ...]

    @classmethod
    def of(cls, manifest: Manifest) -> "ModelFacts":
        measured = (
            (each.name, each.float_accuracy if each.int8_accuracy is None else each.int8_accuracy)
            for each in manifest.subnetworks
        )
        return cls(
            manifest.name,
            manifest.digest,
            manifest.input,
            manifest.classes,
            tuple((name, accuracy) for name, accuracy in measured if accuracy is not None),
        )

    def to_json(self, served: Collection[str]) -> dict[str, Any]:
        """served: the digests of the bundles that devices have now; the accuracies are said to
        hold only of those."""
        return {
            "name": self.name,
            "bundle": self.digest,
            "classes": list(self.classes),
            "accuracies": dict(self.accuracies),
            "served": self.digest in served,
        }
