"""Which bundles agents can serve: those whose every slot answers from the image alone.

Until agents hand each other feature maps, a network that is cut between its slots at every layer
(families static and dynamic) is for measuring only. So it is refused where it is to be served, and
not found out by the first request.
"""

from fluid.bundle import IMAGE, LOGITS, Manifest, Stage
from fluid.errors import BundleError

# At the end of the refusal, for programs to match on and people to look up.
UNSERVABLE_CODE = "unservable_bundle"


def is_whole(stage: Stage) -> bool:
    """Whether it goes all the way, from the image to logits, and so needs nobody else's output."""
    return stage.inputs == (IMAGE,) and stage.output == LOGITS


def cut_slots(manifest: Manifest) -> tuple[str, ...]:
    """The slots that hold stages which are not whole, in the manifest's order."""
    cut = {stage.slot for stage in manifest.stages if not is_whole(stage)}
    return tuple(slot for slot in manifest.slots if slot in cut)


def expect_servable(manifest: Manifest) -> None:
    """Raise `BundleError`, with what to do instead, for a bundle that agents cannot serve."""
    if cut := cut_slots(manifest):
        noun, verb = ("slot", "is") if len(cut) == 1 else ("slots", "are")
        raise BundleError(
            f"{manifest.name} is of family {manifest.family}, whose {noun} {', '.join(cut)} {verb} "
            "cut at every layer; agents serve bundles whose slots each go from the image to "
            f"logits: train one with 'fluid train --family fluid' [{UNSERVABLE_CODE}]"
        )
