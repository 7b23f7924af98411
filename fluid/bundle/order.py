"""How stages follow one another: which of them need nobody else's output, and which come first."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from fluid.bundle.rules import IMAGE, LOGITS
from fluid.errors import BundleError

if TYPE_CHECKING:
    from fluid.bundle.manifest import Manifest, Stage


def is_whole(stage: "Stage") -> bool:
    """Whether it goes all the way, from the image to logits, and so needs nobody else's output."""
    return stage.inputs == (IMAGE,) and stage.output == LOGITS


def dependency_order(manifest: "Manifest", stages: Collection[str]) -> tuple["Stage", ...]:
    """These stages, each after those whose outputs it reads.

    Raises `BundleError` if they read what none of them yields, or each other in a circle.
    """
    waiting = [stage for stage in manifest.stages if stage.name in stages]
    known = {IMAGE}
    ordered: list[Stage] = []
    while waiting:
        ready = [stage for stage in waiting if known.issuperset(stage.inputs)]
        if not ready:
            names = ", ".join(stage.name for stage in waiting)
            raise BundleError(f"stages {names} read feature maps that none of them can yield")
        ordered += ready
        known.update(stage.output for stage in ready)
        waiting = [stage for stage in waiting if stage not in ready]
    return tuple(ordered)
