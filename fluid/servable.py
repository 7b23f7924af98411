"""What agents need of a bundle beyond a sound manifest, and which of its slots work alone.

Slots that are cut at every layer (families static and dynamic) hand each other feature maps. Agents
serve them as long as the devices are there that need each other.
"""

from fluid.bundle import Manifest, dependency_order, is_whole
from fluid.errors import BundleError

# At the end of the refusal, for programs to match on and people to look up.
UNSERVABLE_CODE = "unservable_bundle"


def cut_slots(manifest: Manifest) -> tuple[str, ...]:
    """The slots that hold stages which are not whole, in the manifest's order."""
    cut = {stage.slot for stage in manifest.stages if not is_whole(stage)}
    return tuple(slot for slot in manifest.slots if slot in cut)


def expect_servable(manifest: Manifest) -> None:
    """Raise `BundleError` for a bundle that agents cannot serve: one of its sub-networks has
    stages that read what none of them yields."""
    for subnetwork in manifest.subnetworks:
        try:
            dependency_order(manifest, subnetwork.stages)
        except BundleError as error:
            raise BundleError(
                f"{manifest.name}: sub-network {subnetwork.name} cannot be run, {error}; "
                f"train the bundle anew with 'fluid train' [{UNSERVABLE_CODE}]"
            ) from error


def expect_independent(manifest: Manifest) -> None:
    """Raise `BundleError`, with what to do instead, where a device of one slot cannot go on
    without those of the others."""
    if cut := cut_slots(manifest):
        noun, verb = ("slot", "is") if len(cut) == 1 else ("slots", "are")
        raise BundleError(
            f"{manifest.name} is of family {manifest.family}, whose {noun} {', '.join(cut)} {verb} "
            "cut at every layer, so no device goes on alone; train one whose slots each go from "
            f"the image to logits with 'fluid train --family fluid' [{UNSERVABLE_CODE}]"
        )
