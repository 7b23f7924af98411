"""The bundle in force: what an agent serves now. Another takes its place while the agent runs.

The ledger and the cluster are each told of it by `serve`, and keep no other word of a manifest or
a digest: shares of two bundles must never meet in one answer.
"""

from dataclasses import dataclass

from fluid.bundle import Manifest


@dataclass(frozen=True, slots=True)
class Edition:
    """A bundle as the core knows it: what it promises, and the digest that names it."""

    manifest: Manifest
    digest: str

    def stage_names(self) -> tuple[str, ...]:
        """All its stages, in the order by which partials number them."""
        return tuple(stage.name for stage in self.manifest.stages)
